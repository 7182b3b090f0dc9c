"""The main job once more, on the database of production."""

from collections.abc import Iterator

import pytest

from portal.sandbox.program import RunningSandbox
from tests.stories.test_main_job import STORIES, Make, Story, walk
from tests.support.databases import Databases
from tests.support.live import Installation, installation

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def running(running_sandbox: RunningSandbox, databases: Databases) -> Iterator[Installation]:
    with installation(running_sandbox, databases.empty("postgresql")) as live:
        yield live


@pytest.mark.parametrize("story", STORIES[::3], ids=lambda story: f"{story.provider}-{story.vendor}")
def test_a_customer_links_a_device_and_reconnects_it(live: Installation, person: Make, story: Story) -> None:
    walk(live, person, story)
