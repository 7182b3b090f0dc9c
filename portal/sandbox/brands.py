"""The vendors each provider's Connect UI offers, by the provider's own code and the name it shows."""

NOX_SPELLINGS = {
    "alpha-ess": "AlphaESS",
    "apsystems": "APsystems",
    "ctc": "CTC",
    "fox-ess": "FoxESS",
    "goodwe": "GoodWe",
    "ivt": "IVT",
    "jinkosolar": "JinkoSolar",
    "lg": "LG",
    "nibe": "NIBE",
    "saj": "SAJ",
    "sma": "SMA",
    "solaredge": "SolarEdge",
    "trinasolar": "TrinaSolar",
}

PODERO = {
    device_type: {name.strip().lower().replace(" ", "-"): name.strip() for name in names.split(",")}
    for device_type, names in {
        "hp": """NIBE, Bosch, Daikin, IVT, LG, Mitsubishi Electric, Panasonic, Samsung, Stiebel Eltron, Thermia,
            Vaillant, Viessmann""",
        "ev": "Tesla, Audi, BMW, Hyundai, Kia, Mercedes, Polestar, Renault, Skoda, Volvo, VW",
        "iv": "SMA, Fronius, GoodWe, Growatt, Huawei, Kostal, SolarEdge, Sungrow",
        "wb": "Easee, ABL, go-e, KEBA, Wallbox, Zaptec",
    }.items()
}

NOX = {
    asset_type: {slug: NOX_SPELLINGS.get(slug, slug.replace("-", " ").title()) for slug in slugs.split()}
    for asset_type, slugs in {
        "hp": """alpha-innotec atlantic bosch buderus bulex ctc daikin dewarmte fujitsu hitachi ivt jaspi lg midea
            mitsubishi nibe panasonic samsung sanyo saunier-duval thermia thermor toshiba vaillant viessmann""",
        "pv": """alpha-ess apsystems deye enphase felicity-solar fox-ess fronius goodwe growatt hoymiles huawei
            hyxipower ilumen ja-solar jinkosolar kostal longi saj sigenergy sma sofar solaredge solarman solarwatt
            solax solis sungrow sunpower talesun trinasolar victron""",
    }.items()
}

TELEMATICA_EVERYWHERE = {
    "inverter": "GROWATT SOLARMAN INVT HUAWEI SIMULATOR TESLA SOLAX SOLIS",
    "battery": "TESLA SIMULATOR ENPHASE GROWATT SOLAX SOLIS",
}

TELEMATICA = {
    region: {
        device_type: {code: code for code in codes.split()}
        for device_type, codes in (table | TELEMATICA_EVERYWHERE).items()
    }
    for region, table in {
        "EU": {
            "vehicle": """TESLA AUDI BMW CITROEN CUPRA DS FIAT FORD HYUNDAI JAGUAR JEEP KIA LANDROVER MERCEDES MINI
                OPEL MG NISSAN PEUGEOT PORSCHE RENAULT SEAT SKODA SMART TOYOTA VOLVO VW SIMULATOR""",
            "charger": "EASEE ZAPTEC CHARGEAMPS ENELX SIMULATOR WALLBOX CHARGEPOINT",
            "hvac": "ADAX MITSUBISHIELECTRIC DAIKIN SENSIBO LG MILL VIESSMANN SIMULATOR NEST TADO TOSHIBA",
        },
        "US": {
            "vehicle": """TESLA AUDI ETRON BMW CHEVROLET FIAT FORD JAGUAR JEEP LANDROVER MINI HYUNDAI KIA MERCEDES
                NISSAN PORSCHE RIVIAN VW VWID VOLVO TOYOTA SIMULATOR""",
            "charger": "ENELX SIMULATOR WALLBOX CHARGEPOINT",
            "hvac": "MITSUBISHIELECTRIC DAIKIN SENSIBO LG SIMULATOR NEST VIESSMANN TADO TOSHIBA",
        },
    }.items()
}
