"""Where customers may be sent: nowhere but to the listed hosts."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.providers.connect_url import is_loopback, trusted_connect_url
from portal.providers.protocol import UnexpectedAnswer

HOSTS = (
    "connect.podero.com",
    "127.0.0.1:8001",
    "localhost:8001",
    "[::1]:8001",
    "auth.nox.energy:8443",
    "Capital.example",
)


HOSTILE: list[object] = [
    None, 7, 7.5, True, [], {}, b"https://connect.podero.com/", "", " ", "/", "//", "https:", "https://", "https:///",
    "https:///connect.podero.com/", "//connect.podero.com/", "connect.podero.com", "connect.podero.com/x",
    "javascript:alert(1)", "javascript://connect.podero.com/%0aalert(1)", "JaVaScRiPt:alert(1)",
    "data:text/html,<script>alert(1)</script>", "vbscript:msgbox(1)", "file:///etc/passwd", "ftp://connect.podero.com/",
    "intent://connect.podero.com/#Intent;scheme=https;end", "blob:https://connect.podero.com/x", "about:blank",
    "http://connect.podero.com/", "http://connect.podero.com:80/", "http://auth.nox.energy:8443/", "ws://127.0.0.1:8001/",
    "https://evil.example/", "https://connect.podero.com.evil.example/", "https://evilconnect.podero.com/",
    "https://evil.connect.podero.com/", "https://connect-podero.com/", "https://connect.podero.co/",
    "https://connect.podero.com./", "https://.connect.podero.com/", "https://connect..podero.com/",
    "https://connect.podero.com:443/", "https://connect.podero.com:8443/", "https://connect.podero.com:/",
    "https://connect.podero.com:x/", "https://connect.podero.com:99999999/", "https://connect.podero.com:-1/",
    "https://user@connect.podero.com/", "https://user:pw@connect.podero.com/", "https://@connect.podero.com/",
    "https://connect.podero.com@evil.example/", "https://connect.podero.com:443@evil.example/",
    "https://connect.podero.com%40evil.example/", "https://connect.podero.com%2eevil.example/",
    "https://connect.podero.com\\@evil.example/", "https://connect.podero.com\\.evil.example/",
    "https:\\\\connect.podero.com\\", "https:/\\connect.podero.com/", "https:/connect.podero.com/",
    "https:connect.podero.com/", "https://connect.podero.com/\\..\\x", "https://evil.example\\connect.podero.com/",
    "https://connect.podero.com/\r\nSet-Cookie: a=b", "https://connect.podero.com/\n", "https://connect.podero.com/\t",
    "\thttps://connect.podero.com/", " https://connect.podero.com/", "https://connect.podero.com/ x",
    "ht\ntps://connect.podero.com/", "https://connect.po\tdero.com/", "https://connect.podero.com\x00.evil.example/",
    "https://connect.podero.com/\x00", "https://connect.podero.com/\x7f", "https://connect.podero.com/\u2028",
    "https://connect.podero.com/ü", "https://cοnnect.podero.com/", "https://connect。podero。com/",
    "https://ｃonnect.podero.com/", "https://xn--connect-podero.com/", "https://connect.podero.com;evil.example/",
    "https://connect.podero.com,evil.example/", "https://connect.podero.com evil.example/",
    "https://connect.podero.com|evil.example/", "https://connect.podero.com^evil.example/",
    "https://[connect.podero.com]/", "https://[::1]/", "https://[::1]:8002/", "https://[::1]:8001evil/",
    "https://[::ffff:127.0.0.1]:8001/", "https://127.0.0.1/", "https://127.0.0.1:8002/", "http://127.1:8001/",
    "http://2130706433:8001/", "http://0x7f000001:8001/", "http://0177.0.0.1:8001/", "http://0.0.0.0:8001/",
    "http://127.0.0.1:08001/", "http://127.0.0.1:8001.evil.example/", "http://127.0.0.1:8001@evil.example/",
    "http://localhost/", "http://localhost.evil.example:8001/", "http://localhost:8001\\evil.example/",
    "https://connect.podero.com/<script>", 'https://connect.podero.com/"onload=x', "https://connect.podero.com/`x`",
    "https://connect.podero.com/{x}", "https://connect.podero.com?\ud800", "https://connect.podero.com/" + "x" * 8000,
    "https://connect.podero.com\uff0fevil.example/", "https://connect.podero.com:8001:443/", "http:127.0.0.1:8001",
]  # fmt: skip


class TestConnectUrl:
    @pytest.mark.parametrize("url", HOSTILE, ids=lambda url: repr(url)[:60])
    def test_a_hostile_address_is_never_followed_nor_told(self, url: object) -> None:
        with pytest.raises(UnexpectedAnswer) as alarm:
            trusted_connect_url(url, HOSTS)
        assert "evil" not in str(alarm.value)

    def test_there_are_enough_of_them(self) -> None:
        assert len(HOSTILE) >= 60

    @pytest.mark.parametrize(
        "url",
        [
            "https://connect.podero.com",
            "https://connect.podero.com?onboarding_session_id=3f0f8f5e",
            "https://connect.podero.com/ui?token=abc123&language=nl#top",
            "https://Connect.Podero.com/",
            "https://capital.example/",
            "https://auth.nox.energy:8443/ui",
            "http://127.0.0.1:8001/podero/connect?onboarding_session_id=x",
            "http://localhost:8001/",
            "http://[::1]:8001/x",
            "https://127.0.0.1:8001/",
        ],
    )
    def test_a_listed_host_is_followed_as_it_stands(self, url: str) -> None:
        assert trusted_connect_url(url, HOSTS) == url

    @given(st.text(max_size=60))
    @settings(max_examples=300, deadline=None)
    def test_nothing_but_the_host_decides(self, tail: str) -> None:
        try:
            followed = trusted_connect_url(f"https://connect.podero.com{tail}", HOSTS)
        except UnexpectedAnswer:
            return
        assert followed == "https://connect.podero.com" or followed[len("https://connect.podero.com")] in "/?#"

    def test_without_hosts_nothing_is_followed(self) -> None:
        with pytest.raises(UnexpectedAnswer):
            trusted_connect_url("https://connect.podero.com/", ())

    @pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1", "127.9.9.9:1", "[::1]", "[::1]:8001"])
    def test_this_machine_is_loopback(self, host: str) -> None:
        assert is_loopback(host)

    @pytest.mark.parametrize("host", ["", "127.1", "10.0.0.1", "localhost.example", "[::2]", "0.0.0.0", "::1", "[x]"])
    def test_everything_else_is_not(self, host: str) -> None:
        assert not is_loopback(host)
