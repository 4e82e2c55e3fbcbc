"""Tables of letters that look like letters of another script, and of letters in disguise.

Written for this project by looking at common fonts. A table is applied only inside a word that
mixes scripts (see clean_letters), so it never touches text that is written in one script.
"""

from __future__ import annotations

LATIN, CYRILLIC, GREEK, ARMENIAN, CHEROKEE = "latin", "cyrillic", "greek", "armenian", "cherokee"

RANGES = {
    LATIN: "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff",
    CYRILLIC: "\u0400-\u0481\u048a-\u052f",
    GREEK: "\u0370-\u0373\u0376\u0377\u037b-\u037d\u037f\u0386\u0388-\u03ff\u1f00-\u1fff",
    ARMENIAN: "\u0531-\u0556\u0561-\u0587",
    CHEROKEE: "\u13a0-\u13f5",
}
"""Letters of each script, as the inside of a character class."""


def _pairs(*lines: str) -> dict[int, str]:
    """A translation table from blank-separated pairs of letters: from, to."""
    return {ord(pair[0]): pair[1] for line in lines for pair in line.split()}


TO_SCRIPT = {
    LATIN: _pairs(
        # Cyrillic
        "аa вb еe кk мm нh оo рp сc тt уy хx іi јj ѕs ԁd ԛq ԝw һh ӏl ёë їï ѵv ьb пn гr үy ҽe",
        "АA ВB ЕE КK МM НH ОO РP СC ТT УY ХX ІI ЈJ ЅS ԌG ԚQ ԜW ӀI ЁË ЇÏ ѴV ҮY",
        # Greek
        "αa εe ηn ιi κk νv οo ρp τt υu χx ωw άá έé ίí όó ύú",
        "ΑA ΒB ΕE ΖZ ΗH ΙI ΚK ΜM ΝN ΟO ΡP ΤT ΥY ΧX",
        # Armenian
        "օo սu հh ոn ցg զq յj ՕO ՍU ՏS",
        # Cherokee
        "ᎠD ᎡR ᎢT ᎥI ᎪA ᎫJ ᎬE ᎳW ᎷM ᎻH ᏀG ᏃZ ᏏB ᏒR ᏙV ᏚS ᏞL ᏟC ᏢP ᏦK ᏴB ᎩY",
    ),
    CYRILLIC: _pairs(
        "aа cс eе iі jј kк mм oо pр tт xх yу ëё ïї",
        "AА BВ CС EЕ HН IІ JЈ KК MМ OО PР TТ XХ YУ ËЁ ÏЇ",
        "αа εе ιі κк οо ρр τт χх",
        "ΑА ΒВ ΕЕ ΗН ΙІ ΚК ΜМ ΟО ΡР ΤТ ΧХ ΥУ",
    ),
    GREEK: _pairs(
        "aα iι kκ oο pρ tτ uυ vν xχ áά éέ íί óό úύ",
        "AΑ BΒ EΕ ZΖ HΗ IΙ KΚ MΜ NΝ OΟ PΡ TΤ YΥ XΧ",
        "аα оο рρ АΑ ВΒ ЕΕ НΗ КΚ МΜ ОΟ РΡ ТΤ ХΧ",
    ),
}
"""Script -> table that turns letters of other scripts into their look-alikes in that script."""

SMALL_CAPITALS = _pairs("ᴀa ʙb ᴄc ᴅd ᴇe ꜰf ɢg ʜh ɪi ᴊj ᴋk ʟl ᴍm ɴn ᴏo ᴘp ʀr ꜱs ᴛt ᴜu ᴠv ᴡw ʏy ᴢz")
"""Phonetic small capitals that fancy-text generators write plain words with."""

FLAGS = frozenset(
    """
    AC AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR
    BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CP CQ CR CU CV CW CX CY CZ DE DG DJ DK DM
    DO DZ EA EC EE EG EH ER ES ET EU FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS
    GT GU GW GY HK HM HN HR HT HU IC ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP
    KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT
    MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW
    PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TA TC TD TF
    TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM UN US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT
    ZA ZM ZW
    """.split()  # noqa: SIM905
)
"""Pairs of regional indicators that are a flag; other runs of them are letters in disguise."""
