"""Invented people and companies for the seed: names, addresses, phones and emails that look real and reach nobody.

Emails stay on the domains reserved for examples, phone numbers in ranges set aside for fiction or never assigned.
"""

import re
import unicodedata
from dataclasses import dataclass, replace
from random import Random


@dataclass(frozen=True)
class Country:
    """Where customers live: how they are called, where, and what they pay in. Name pools are "native|latin"."""

    code: str
    currency: str
    locale: str
    given: tuple[str, ...]
    family: tuple[str, ...]
    companies: tuple[str, ...]
    company_form: str
    streets: tuple[str, ...]
    cities: tuple[str, ...]
    phone: str
    family_first: bool = False


@dataclass(frozen=True)
class Identity:
    """What a customer object says about who they are."""

    name: str
    latin: str
    email: str
    phone: str
    address: dict[str, str]
    country: Country
    is_company: bool

    def renamed(self, name: str) -> "Identity":
        """The same customer under another name."""
        return replace(self, name=name)


def _pool(text: str) -> tuple[str, ...]:
    return tuple(entry.strip() for entry in text.split(",") if entry.strip())


UNITED_STATES = Country(
    code="US",
    currency="usd",
    locale="en-US",
    given=_pool("Olivia, Marcus, Renée, Tyrone, Sofía, Caleb, Priya, Hannah, Diego, Mei, Jamal, Grace, Wyatt, Naomi"),
    family=_pool("Johnson, O'Neill, García, Nguyen, Washington, Kowalski, Patel, Brooks, St. James, Hernández, Lee"),
    companies=_pool("Bluebird, Cascade, Ironwood, Prairie, Copperline, Juniper, Redwood, Lakeshore, Summit, Mesa"),
    company_form="{name} {trade} LLC|{name} {trade} Inc.|{family} & {family2}",
    streets=_pool("Maple Avenue, Market Street, Elm Street, Lincoln Boulevard, 5th Avenue, Harbor Drive"),
    cities=_pool("Portland OR 97205, Austin TX 78701, Chicago IL 60614, Denver CO 80202, Boston MA 02110"),
    phone="+1 503 555 01##",
)
GERMANY = Country(
    code="DE",
    currency="eur",
    locale="de-DE",
    given=_pool("Jürgen, Änne, Lukas, Frauke, Sebastian, Käthe, Björn, Miriam, Özlem, Götz, Leonie, Matthias"),
    family=_pool("Müller, Weiß, Schröder, Krüger, von der Heide, Yılmaz, Bäcker, Hoffmann, Groß, Köhler"),
    companies=_pool("Nordlicht, Elbtal, Hanse, Rheinwerk, Lindenhof, Schwarzwald, Ostsee, Bergmann"),
    company_form="{name} {trade} GmbH|{family} & Söhne KG|{name} {trade} AG",
    streets=_pool("Hauptstraße, Lindenallee, Bahnhofstraße, Am Alten Markt, Königsweg"),
    cities=_pool("Berlin BE 10115, Hamburg HH 20095, München BY 80331, Köln NW 50667, Leipzig SN 04109"),
    phone="+49 30 23125 ###",
)
FRANCE = Country(
    code="FR",
    currency="eur",
    locale="fr-FR",
    given=_pool("Aurélie, Étienne, Chloé, Benoît, Maëlle, Loïc, Françoise, Thibault, Zoé, Jérôme, Inès"),
    family=_pool("Lefèvre, Moreau, D'Aubigné, Géraud, Bénard, Le Goff, Châtelain, Rousseau, Ibañez"),
    companies=_pool("Atelier, Lumière, Belvédère, Maison, Rivage, Garonne, Boréal, Écluse"),
    company_form="{name} {family} SARL|{name} {trade} SAS|Éditions {family}",
    streets=_pool("rue de la République, avenue des Tilleuls, quai Saint-Michel, place d'Armes"),
    cities=_pool("Lyon 69002, Paris 75011, Nantes 44000, Bordeaux 33000, Besançon 25000"),
    phone="+33 1 99 00 ## ##",
)
IRELAND = Country(
    code="IE",
    currency="eur",
    locale="en-IE",
    given=_pool("Siobhán, Pádraig, Niamh, Cillian, Aoife, Ruairí, Gráinne, Eoin, Caoimhe, Seán"),
    family=_pool("O'Brien, Ní Dhomhnaill, Murphy, Mac Giolla, Doyle, O'Sullivan, Byrne, de Búrca"),
    companies=_pool("Shannon, Claddagh, Emerald, Skellig, Liffey, Burren, Atlantic"),
    company_form="{name} {trade} Ltd|{family} & Daughters|{name} {trade} DAC",
    streets=_pool("Grafton Street, Quay Street, Main Street, Patrick's Hill, O'Connell Street"),
    cities=_pool("Dublin D02X285, Galway H91E2K3, Cork T12W8KP, Limerick V94T9PX"),
    phone="+353 20 910 ####",
)
JAPAN = Country(
    code="JP",
    currency="jpy",
    locale="ja-JP",
    given=_pool("陽菜|Hina, 蓮|Ren, さくら|Sakura, 大翔|Hiroto, 葵|Aoi, 健太|Kenta, 美咲|Misaki, 翔太|Shota"),
    family=_pool("佐藤|Sato, 鈴木|Suzuki, 高橋|Takahashi, 田中|Tanaka, 渡辺|Watanabe, 伊藤|Ito, 小林|Kobayashi"),
    companies=_pool("青空|Aozora, 富士見|Fujimi, 桜井|Sakurai, 東海|Tokai, みどり|Midori, 北斗|Hokuto"),
    company_form="株式会社{name}|{name}システムズ株式会社|{name}商事",
    streets=_pool("丸の内, 本町, 桜ヶ丘, 中央"),
    cities=_pool("千代田区 東京都 100-0005, 大阪市 大阪府 541-0053, 札幌市 北海道 060-0001, 福岡市 福岡県 810-0001"),
    phone="+81 3 0555 ####",
    family_first=True,
)
KUWAIT = Country(
    code="KW",
    currency="kwd",
    locale="ar",
    given=_pool("فاطمة|Fatima, أحمد|Ahmad, نورة|Noura, خالد|Khaled, مريم|Maryam, يوسف|Yousef, دلال|Dalal"),
    family=_pool("العنزي|Al-Enezi, الصباح|Al-Sabah, المطيري|Al-Mutairi, الكندري|Al-Kandari, الرشيد|Al-Rashid"),
    companies=_pool("الخليج|Gulf, الديرة|Al-Deera, النخيل|Palms, المرجان|Coral, الصحراء|Sahara"),
    company_form="شركة {name} للتجارة|مجموعة {name} القابضة",
    streets=_pool("شارع الخليج العربي, شارع فهد السالم, شارع سالم المبارك"),
    cities=_pool("Kuwait City 13001, Salmiya 22001, Hawalli 32001"),
    phone="+965 1000 ####",
)
# How often each country occurs: a company at home in the United States and strong in Europe.
COUNTRIES = (UNITED_STATES,) * 6 + (GERMANY,) * 4 + (FRANCE,) * 3 + (IRELAND,) * 3 + (JAPAN,) * 3 + (KUWAIT,) * 2
TRADES = _pool("Logistics, Analytics, Foods, Robotics, Media, Textiles, Energy, Software, Optics, Travel, Dental")

# Names that break careless pages, CSV files, queries and spreadsheets; each is given to one customer.
HOSTILE_NAMES = (
    'O\'Brien & Søn "Quoted"',
    "=cmd|' /C calc'!A0",
    "+49 30 23125 000 Telefonservice",
    "-2+3 Discount Store",
    "@handle",
    "<script>alert(1)</script>",
    "<b>Bold</b> & Co; DROP TABLE customers;--",
    "🦄 Unicorn Café 👩‍👩‍👧",
    "株式会社 日本語テスト「引用」",
    "مؤسسة الاختبار (تجربة)",
    "\tTabbed, Comma; Semicolon",
    "Zero\u200bWidth & Right\u202eToLeft",
    "Łukasz Żółć-Śniady née N'Diaye",
    "Very Long Name " + "of a Very Long Company " * 8 + "Ltd",
    "{{ 7*7 }} ${jndi} %s %(name)s \\n",
    "null",
)


def identity(random: Random, number: int) -> Identity:
    """An invented customer. The number makes the email unique."""
    country = random.choice(COUNTRIES)
    is_company = random.random() < 0.6
    name, latin = _company(random, country) if is_company else _person(random, country)
    return Identity(
        name=name,
        latin=latin,
        email=_email(random, latin, number, is_company=is_company),
        phone=re.sub("#", lambda _: str(random.randrange(10)), country.phone),
        address=_address(random, country),
        country=country,
        is_company=is_company,
    )


def _native_and_latin(entry: str) -> tuple[str, str]:
    native, _, latin = entry.partition("|")
    return native, latin or native


def _person(random: Random, country: Country) -> tuple[str, str]:
    given, given_latin = _native_and_latin(random.choice(country.given))
    family, family_latin = _native_and_latin(random.choice(country.family))
    name = f"{family} {given}" if country.family_first else f"{given} {family}"
    return name, f"{given_latin} {family_latin}"


def _company(random: Random, country: Country) -> tuple[str, str]:
    form = random.choice(country.company_form.split("|"))
    word, word_latin = _native_and_latin(random.choice(country.companies))
    family, family2 = random.sample(country.family, 2)
    trade = random.choice(TRADES)
    name = form.format(name=word, trade=trade, family=family, family2=family2)
    return name, name if name.isascii() or country.code not in ("JP", "KW") else f"{word_latin} {trade}"


def _email(random: Random, latin: str, number: int, *, is_company: bool) -> str:
    slug = slugify(latin)
    if is_company:
        mailbox = random.choice(("billing", "accounts", "finance", "hello", "office"))
        return f"{mailbox}@{slug.replace('.', '-')}-{number}.example.com"
    return f"{slug}.{number}@{random.choice(('example.org', 'example.net'))}"


def _address(random: Random, country: Country) -> dict[str, str]:
    *city, last = random.choice(country.cities).split(" ")
    state = city.pop() if len(city) > 1 and country.code not in ("KW", "FR", "IE") else ""
    house, street = random.randint(1, 240), random.choice(country.streets)
    before = country.code in ("US", "FR", "IE")
    address = {
        "line1": f"{house} {street}" if before else f"{street} {house}",
        "city": " ".join(city),
        "state": state,
        "postal_code": last,
        "country": country.code,
    }
    if random.random() < 0.2:
        address["line2"] = random.choice(("Suite 4B", "2nd floor", "c/o Reception", "Building C"))
    return {key: value for key, value in address.items() if value}


def slugify(text: str) -> str:
    """Lower-case ASCII words joined by dots, fit for the left side of an email address."""
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss").replace("ı", "i")).encode("ascii", "ignore").decode()
    return ".".join(re.findall(r"[a-z0-9]+", plain.lower())) or "customer"
