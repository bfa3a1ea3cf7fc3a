"""Attribute values as applications write them: with personal data and secrets whose places are known, and without.

The shapes come from public formats (RFCs, ISO 13616, vendors' descriptions of their keys, access logs, semantic
conventions), not from what the detectors look for. Half of the corpus (`HELD_OUT`) is of a seed that nobody looks at
while working on detectors.

`plant` stands for the values of a kind, `TEXTS` for where they stand, `HARMLESS` for what looks like them and is not.
"""

import base64
import json
import random
import string
import uuid
from collections.abc import Callable
from dataclasses import dataclass

TUNING, HELD_OUT = 20_240_117, 77_003_141
VALUES = 1000  # of each seed
SHARE_OF_HARMLESS = 0.6

_ALNUM = string.ascii_letters + string.digits
_BASE64URL = _ALNUM + "-_"

# Prefixes of issuers with the length of their numbers.
CARDS = [
    *[(prefix, 16) for prefix in ("4", "4", "51", "55", "2221", "2720", "6011", "65", "3530", "62")],
    *[("34", 15), ("37", 15), ("36", 14)],
]


@dataclass(frozen=True)
class Sample:
    """The value of an attribute. `planted` are the parts that must go, each with its kind."""

    key: str
    text: str
    planted: tuple[tuple[str, str], ...] = ()


class Corpus:
    """Makes samples from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def samples(self, count: int = VALUES) -> list[Sample]:
        """Return so many samples, positive and negative ones mixed."""
        return [self._sample() for _ in range(count)]

    def _sample(self) -> Sample:
        if self._random.random() < SHARE_OF_HARMLESS:
            key, make = self._random.choice(HARMLESS)
            return Sample(key, make(self))
        kind = self._random.choice(list(TEXTS))
        key, text = self._random.choice(TEXTS[kind])
        if kind == "sql":
            return self._statement(key, text)
        planted = PLANTS[kind](self)
        return Sample(key, self.fill(text).replace("@@", planted), ((kind, planted),))

    def _statement(self, key: str, text: str) -> Sample:
        """Return an SQL statement; its literals are between guillemets in the template."""
        pieces = self.fill(text).split("«")
        planted = [piece.split("»")[0] for piece in pieces[1:]]
        return Sample(key, "".join(piece.replace("»", "") for piece in pieces), tuple(("sql", one) for one in planted))

    # --- words ---------------------------------------------------------------------------------------------------

    def fill(self, template: str) -> str:
        """Replace `{word}` of a template by something made up."""
        out, rest = [], template
        while "{" in rest:
            before, _, rest = rest.partition("{")
            word, brace, after = rest.partition("}")
            if brace and word in WORDS:
                out += [before, WORDS[word](self)]
                rest = after
            else:
                out += [before, "{"]
        return "".join([*out, rest])

    def one_of(self, *options: str) -> str:
        """Return one of several texts."""
        return self._random.choice(options)

    def of(self, alphabet: str, count: int) -> str:
        """Return so many characters of an alphabet."""
        return "".join(self._random.choices(alphabet, k=count))

    def digits(self, count: int) -> str:
        """Return so many digits, the first of them not 0."""
        return self.of("123456789", 1) + self.of(string.digits, count - 1)

    def hexadecimal(self, count: int) -> str:
        """Return so many hexadecimal digits."""
        return self.of("0123456789abcdef", count)

    def number(self, low: int, high: int) -> str:
        """Return a number."""
        return str(self._random.randint(low, high))

    def first(self) -> str:
        """Return a given name."""
        return self.one_of("alice", "bob", "chen", "dmitri", "elena", "fatima", "george", "jürgen", "ines", "jose")

    def last(self) -> str:
        """Return a family name."""
        return self.one_of("smith", "garcia", "müller", "okafor", "tanaka", "novak", "rossi", "dubois", "kim", "lee")

    def host(self) -> str:
        """Return a host name."""
        return self.one_of("shop.example.com", "api.example.org", "db-1.internal", "checkout.prod.svc", "localhost")

    def path(self) -> str:
        """Return the path of a URL."""
        return self.one_of("/", "/login", "/api/v2/orders", "/users/42/cart", "/search", "/oauth/callback")

    def uuid(self) -> str:
        """Return a random UUID."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def timestamp(self) -> str:
        """Return a time of RFC 3339."""
        day = f"20{self.number(19, 26)}-{self._random.randint(1, 12):02}-{self._random.randint(1, 28):02}"
        clock = ":".join(f"{self._random.randint(0, 59) % top:02}" for top in (24, 60, 60))
        return f"{day}T{clock}{self.one_of('Z', '.123Z', '.123456789Z', '+02:00', '-07:00')}"

    # --- what is to be found -------------------------------------------------------------------------------------

    def email(self) -> str:
        """Return an address as RFC 5322 and its users have them."""
        first, last = self.first(), self.last()
        local = self.one_of(
            f"{first}.{last}", f"{first[0]}{last}", f"{first}+{last}", f"{first}_{last}{self.number(1, 99)}", first,
            f"{last}-{first}", f"{first}.{last[0]}", f"{first}%{last}", f"o'{last}", first.upper(),
        )  # fmt: skip
        domain = self.one_of(
            "example.com", "mail.example.co.uk", "gmail.com", "uni-köln.example", "example.io", "sub.example.museum",
            "EXAMPLE.ORG", "company.travel", "xn--bcher-kva.example", "4u.example.net",
        )  # fmt: skip
        return f"{local}@{domain}"

    def credit_card(self) -> str:
        """Return a card number of ISO 7812 with its check digit, as written on cards, in forms or without spaces."""
        prefix, size = self._random.choice(CARDS)
        digits = prefix + self.of(string.digits, size - len(prefix) - 1)
        digits += check_digit(digits)
        separator = self.one_of("", "", " ", "-")
        if size == 16:
            groups = [digits[at : at + 4] for at in range(0, 16, 4)]
        else:
            groups = [digits[:4], digits[4:10], digits[10:]]
        return separator.join(groups)

    def iban(self) -> str:
        """Return an account number of ISO 13616 with its check digits, in groups of four or without."""
        country, basic = self._random.choice(
            [
                ("DE", self.of(string.digits, 18)),
                ("FR", self.of(string.digits, 20) + self.of(string.ascii_uppercase, 1) + self.of(string.digits, 2)),
                ("GB", self.of(string.ascii_uppercase, 4) + self.of(string.digits, 14)),
                ("ES", self.of(string.digits, 20)),
                ("NL", self.of(string.ascii_uppercase, 4) + self.of(string.digits, 10)),
                ("CH", self.of(string.digits, 17)),
                ("NO", self.of(string.digits, 11)),
                ("PL", self.of(string.digits, 24)),
                ("MT", self.of(string.ascii_uppercase, 4) + self.of(string.digits, 23)),
                ("SA", self.of(string.digits, 20)),
            ]
        )
        number = int("".join(str(int(letter, 36)) for letter in f"{basic}{country}00"))
        compact = f"{country}{98 - number % 97:02}{basic}"
        spaced = " ".join(compact[at : at + 4] for at in range(0, len(compact), 4))
        return self.one_of(compact, spaced)

    def ip(self) -> str:
        """Return a public address of version 4 or 6."""
        if self._random.random() < 0.6:
            return ".".join([self.one_of("8", "34", "81", "104", "185", "203"), *(self.number(1, 254) for _ in "123")])
        groups = [self.one_of("2001", "2a00", "2600", "2a02"), *(f"{self._random.getrandbits(16):x}" for _ in range(7))]
        if self._random.random() < 0.5:
            return ":".join(groups[: self._random.randint(2, 4)]) + "::" + groups[-1]
        return ":".join(groups)

    def jwt(self) -> str:
        """Return a signed token of RFC 7519."""
        header = {"alg": self.one_of("HS256", "RS256", "ES256"), "typ": "JWT"}
        claims = {"sub": self.number(1, 10**9), "name": self.first(), "iat": int(self.digits(10))}
        parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, claims)]
        return ".".join([*parts, self.of(_BASE64URL, self._random.choice([43, 86, 342]))])

    def api_key(self) -> str:
        """Return a key in the shape that its issuer documents."""
        return self.one_of(
            f"AKIA{self.of(string.ascii_uppercase + '234567', 16)}",
            f"ASIA{self.of(string.ascii_uppercase + '234567', 16)}",
            f"ghp_{self.of(_ALNUM, 36)}",
            f"ghs_{self.of(_ALNUM, 36)}",
            f"github_pat_{self.of(_ALNUM, 22)}_{self.of(_ALNUM, 59)}",
            f"glpat-{self.of(_BASE64URL, 20)}",
            f"xoxb-{self.digits(12)}-{self.digits(13)}-{self.of(_ALNUM, 24)}",
            f"xoxp-{self.digits(12)}-{self.digits(12)}-{self.digits(12)}-{self.hexadecimal(32)}",
            f"sk_live_{self.of(_ALNUM, 24)}",
            f"rk_test_{self.of(_ALNUM, 24)}",
            f"whsec_{self.of(_ALNUM, 32)}",
            f"AIza{self.of(_BASE64URL, 35)}",
            f"GOCSPX-{self.of(_BASE64URL, 28)}",
            f"sk-{self.of(_ALNUM, 20)}T3BlbkFJ{self.of(_ALNUM, 20)}",
            f"sk-proj-{self.of(_ALNUM, 48)}",
            f"sk-ant-api03-{self.of(_BASE64URL, 93)}AA",
            f"npm_{self.of(_ALNUM, 36)}",
            f"pypi-AgEIcHlwaS5vcmc{self.of(_BASE64URL, 120)}",
            f"SG.{self.of(_BASE64URL, 22)}.{self.of(_BASE64URL, 43)}",
            f"dop_v1_{self.hexadecimal(64)}",
            f"hf_{self.of(string.ascii_letters, 34)}",
            f"shpat_{self.hexadecimal(32)}",
            f"hvs.{self.of(_BASE64URL, 95)}",
            f"dapi{self.hexadecimal(32)}",
            f"glsa_{self.of(_ALNUM, 32)}_{self.hexadecimal(8)}",
        )

    def private_key(self) -> str:
        """Return a PEM block of RFC 7468."""
        name = self.one_of("", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED ")
        newline = self.one_of("\n", "\n", "\\n")
        lines = [self.of(_ALNUM + "+/", 64) for _ in range(self._random.randint(1, 4))]
        return newline.join([f"-----BEGIN {name}PRIVATE KEY-----", *lines, f"-----END {name}PRIVATE KEY-----"])

    def authorization(self) -> str:
        """Return the credentials of an HTTP scheme, without the scheme."""
        return self.of(_ALNUM + "-._~", self._random.randint(24, 60)) + self.number(0, 9)

    def basic(self) -> str:
        """Return the credentials of RFC 7617."""
        return base64.b64encode(f"{self.first()}:{self.of(_ALNUM, 10)}".encode()).decode()

    def url_credentials(self) -> str:
        """Return the user and password of a URL."""
        password = self.of(_ALNUM + "!$*-._", self._random.randint(4, 16))
        return f"{self.one_of('root', 'app', self.first())}:{password}"

    def secret(self) -> str:
        """Return what stands behind a telling name."""
        return self.one_of(
            self.of(_ALNUM, self._random.randint(8, 40)) + self.number(0, 9),
            self.hexadecimal(32),
            self.uuid(),
            f"{self.one_of('Summer', 'Hunter', 'correcthorse', 'letmein')}{self.number(1, 2024)}{self.one_of('', '!')}",
        )

    def phone(self) -> str:
        """Return an international number as E.123 has it, or a North American one."""
        area, number = self.of("23456789", 1) + self.of(string.digits, 2), self.of("23456789", 1) + self.digits(6)
        return self.one_of(
            f"+1{area}{number}",
            f"+1 {area} {number[:3]} {number[3:]}",
            f"+1-{area}-{number[:3]}-{number[3:]}",
            f"({area}) {number[:3]}-{number[3:]}",
            f"+49 30 {self.digits(8)}",
            f"+44 20 {self.digits(4)} {self.digits(4)}",
            f"+3361{self.of(string.digits, 7)}",
            f"+91 98{self.of(string.digits, 3)} {self.digits(5)}",
        )

    def us_ssn(self) -> str:
        """Return a social security number."""
        return f"{self._random.randint(100, 665)}-{self._random.randint(10, 99)}-{self._random.randint(1000, 9999)}"


def check_digit(digits: str) -> str:
    """Return the digit that makes a number pass Luhn's check."""
    total = sum(sum(divmod(int(digit) * 2, 10)) for digit in digits[::-2]) + sum(int(digit) for digit in digits[-2::-2])
    return str(-total % 10)


def _bare(key: str) -> tuple[str, str]:
    return key, "@@"


PLANTS: dict[str, Callable[[Corpus], str]] = {
    "email": Corpus.email,
    "credit_card": Corpus.credit_card,
    "iban": Corpus.iban,
    "ip": Corpus.ip,
    "jwt": Corpus.jwt,
    "api_key": Corpus.api_key,
    "private_key": Corpus.private_key,
    "authorization": Corpus.authorization,
    "url_credentials": Corpus.url_credentials,
    "secret": Corpus.secret,
    "phone": Corpus.phone,
    "us_ssn": Corpus.us_ssn,
}

# Where values stand. `@@` is the value, `{word}` something made up, «» around the literals of a statement.
TEXTS: dict[str, list[tuple[str, str]]] = {
    "email": [
        _bare("user.email"),
        ("enduser.id", "mailto:@@"),
        ("exception.message", 'ERROR: duplicate key value violates unique constraint "users_email_key" (email)=(@@)'),
        ("url.full", "https://{host}/users/@@/orders?page=2"),
        ("url.full", "https://{host}/go?next=%2Fuser%3Fmail%3D@@"),
        ("url.query", "email=@@&lang=en"),
        ("http.request.body", '{"user":{"id":{number},"email":"@@"},"total":12.50}'),
        ("log", "{timestamp} INFO sent receipt to <@@> in {number} ms"),
        ("log", "User @@ logged in from mobile."),
        ("messaging.header.from", '"Support Desk" <@@>'),
        ("http.request.header.from", "['@@']"),
        ("exception.stacktrace", "ValueError: no account for @@\n  at com.example.Login.check(Login.java:42)"),
    ],
    "credit_card": [
        _bare("payment.card"),
        ("log", "charging card @@ for order {number}"),
        ("http.request.body", '{"card":{"number":"@@","exp":"12/27"},"amount":4999}'),
        ("exception.message", "Card declined: @@ (insufficient funds)"),
        ("log", "PAN=@@;EXP=1227;AMT=100.00"),
        ("url.query", "order={number}&cc=@@&cvv=***"),
        ("log", "<CardNumber>@@</CardNumber>"),
    ],
    "iban": [
        _bare("customer.iban"),
        ("log", "payout to @@ queued at {timestamp}"),
        ("http.request.body", '{"iban": "@@", "amount": "120.00", "currency": "EUR"}'),
        ("exception.message", "Invalid mandate for account @@, retry later"),
        ("log", "IBAN:@@ BIC:COBADEFFXXX"),
    ],
    "ip": [
        _bare("client.address"),
        _bare("http.client_ip"),
        ("http.request.header.x-forwarded-for", "@@, 10.0.0.7"),
        ("log", '@@ - - [10/Oct/2023:13:55:36 +0000] "GET /index.html HTTP/1.1" 200 2326'),
        ("log", "Failed password for root from @@ port 52114 ssh2"),
        ("log", "{timestamp} client=@@ status=200 took={number}ms"),
        ("http.request.body", '{"ip":"@@","agent":"curl/8.4.0"}'),
        ("exception.message", "rate limit exceeded for @@."),
    ],
    "jwt": [
        _bare("auth.jwt"),
        ("http.request.header.authorization", "Bearer @@"),
        ("http.request.header.cookie", "theme=dark; session=@@; lang=en"),
        ("exception.message", "jwt expired: @@"),
        ("url.full", "https://{host}/oauth/callback#id_token=@@&state=x1"),
        ("http.response.body", '{"access_token":"@@","expires_in":3600}'),
    ],
    "api_key": [
        _bare("app.key"),
        ("exception.message", "Incorrect API key provided: @@. You can find your key in the console."),
        ("log", "using credentials @@ from environment"),
        ("process.command_line", "deploy --region eu-west-1 --key @@ --verbose"),
        ("url.full", "https://{host}/v1/geocode?address=Paris&key=@@"),
        ("http.request.body", '{"provider":"x","value":"@@"}'),
        ("log", "git clone https://@@@github.com/acme/shop.git"),
    ],
    "private_key": [
        _bare("tls.key"),
        ("exception.message", "could not parse key: @@"),
        ("http.request.body", '{"type":"service_account","private_key":"@@"}'),
    ],
    "authorization": [
        ("http.request.header.authorization", "Bearer @@"),
        ("log", "> Authorization: Bearer @@\n> Accept: */*"),
        ("process.command_line", "curl -H 'Authorization: bearer @@' https://{host}{path}"),
        ("http.request.headers", '{"authorization":"Bearer @@","accept":"*/*"}'),
    ],
    "url_credentials": [
        ("url.full", "https://@@@{host}{path}"),
        ("db.connection_string", "postgresql://@@@{host}:5432/shop?sslmode=require"),
        ("log", "connecting to amqp://@@@{host}:5672/%2f"),
        ("exception.message", "MongoServerError: cannot connect to mongodb+srv://@@@cluster0.example.net/test"),
        ("messaging.url", "redis://@@@{host}:6379/0"),
        ("process.command_line", "git fetch https://@@@git.example.com/acme/shop.git main"),
    ],
    "secret": [
        ("url.full", "https://{host}{path}?page=1&token=@@"),
        ("url.query", "api_key=@@&format=json"),
        ("url.query", "user=bob&password=@@"),
        ("http.target", "{path}?access_token=@@&v=2"),
        ("http.request.body", '{"username":"bob","password":"@@"}'),
        ("http.request.body", "grant_type=client_credentials&client_id=web&client_secret=@@"),
        ("db.connection_string", "Server=db;Database=shop;User Id=sa;Password=@@;Encrypt=true"),
        ("log", "login failed for bob with password=@@"),
        ("log", "DB_PASSWORD=@@ DB_HOST=db"),
        ("exception.message", 'bad config: {"clientSecret": "@@", "tenant": "a"}'),
        ("process.command_line", "mysqldump --user=root --password=@@ shop"),
        ("log", "x-api-key: @@"),
        ("config", "password: @@"),
        ("log", "login with password @@ failed"),
        ("log", "Set-Cookie: JSESSIONID=@@; Path=/; HttpOnly"),
        ("http.request.header.cookie", "theme=dark; sid=@@"),
        _bare("db.password"),
        _bare("http.request.header.x-api-key"),
    ],
    "phone": [
        _bare("user.phone"),
        ("log", "sms to @@ delivered after {number} ms"),
        ("http.request.body", '{"phone":"@@","country":"US"}'),
        ("url.full", "tel:@@"),
        ("exception.message", "Invalid 'To' number: @@"),
    ],
    "us_ssn": [
        _bare("customer.ssn"),
        ("log", "ssn @@ verified"),
        ("http.request.body", '{"ssn":"@@","name":"x"}'),
        ("exception.message", "duplicate applicant (@@)"),
    ],
    "sql": [
        ("db.statement", "SELECT id, name FROM users WHERE email = «'{quoted_email}'» AND age > «{number}»"),
        ("db.query.text", "INSERT INTO orders (id, note) VALUES («{number}», «'it''s for {first}'»)"),
        ("db.statement", "UPDATE accounts SET balance = balance - «{number}» WHERE iban = «'{iban}'»"),
        ("db.query.text", 'SELECT * FROM "Users" u WHERE u.last_name LIKE «\'{last}%\'» LIMIT «10»'),
        ("db.statement", "select * from t1 where x = «0xDEADBEEF» or y in («1», «2», «-3.5e10»)"),
        ("db.query.text", "DELETE FROM `session` WHERE user = «\"{first}\"» AND expired < «'{timestamp}'»"),
        ("db.statement", "SELECT $1::text, «$tag${first} said 'hi'$tag$»"),
        ("db.query.text", "SELECT a FROM b WHERE c = «E'it\\'s {last}'» -- lookup by name"),
    ],
}  # fmt: skip

WORDS: dict[str, Callable[[Corpus], str]] = {
    "host": Corpus.host,
    "path": Corpus.path,
    "number": lambda corpus: corpus.number(1, 99_999),
    "timestamp": Corpus.timestamp,
    "first": lambda corpus: corpus.first(),
    "last": lambda corpus: corpus.last(),
    "quoted_email": lambda corpus: corpus.email().replace("'", "''"),
    "iban": Corpus.iban,
    "uuid": Corpus.uuid,
    "hex": lambda corpus: corpus.hexadecimal(32),
}


def _private_ip(corpus: Corpus) -> str:
    tail = f"{corpus.number(0, 255)}.{corpus.number(1, 254)}"
    return corpus.one_of(f"10.{corpus.number(0, 255)}.{tail}", f"192.168.{tail}", f"172.20.{tail}", "127.0.0.1")


def _luhn_failing(corpus: Corpus) -> str:
    digits = "4" + corpus.digits(14)
    return digits + str((int(check_digit(digits)) + 1 + int(corpus.number(0, 8))) % 10)


def _filled(template: str) -> Callable[[Corpus], str]:
    return lambda corpus: corpus.fill(template)


HARMLESS: list[tuple[str, Callable[[Corpus], str]]] = [
    ("trace_id", lambda corpus: corpus.hexadecimal(32)),
    ("span_id", lambda corpus: corpus.hexadecimal(16)),
    ("git.commit", lambda corpus: corpus.hexadecimal(40)),
    ("container.image.digest", lambda corpus: f"sha256:{corpus.hexadecimal(64)}"),
    ("container.image.name", lambda corpus: f"registry.example.com/shop/cart@sha256:{corpus.hexadecimal(64)}"),
    ("container.id", lambda corpus: corpus.hexadecimal(64)),
    ("request.id", Corpus.uuid),
    ("order.id", lambda corpus: corpus.digits(8)),
    ("order.number", lambda corpus: f"ORD-{corpus.digits(4)}-{corpus.digits(6)}"),
    ("order.id", lambda corpus: f"1{corpus.digits(15)}"),
    ("order.id", _luhn_failing),
    ("order.id", lambda corpus: f"{corpus.one_of('4', '51', '9')}{corpus.digits(15)}"[:16]),
    ("messaging.message.id", _filled("<{hex}@mail.example.com>")),
    ("ulid", lambda corpus: "01" + corpus.of("0123456789ABCDEFGHJKMNPQRSTVWXYZ", 24)),
    ("session.id", lambda corpus: corpus.of(_BASE64URL, 22)),
    ("dd.trace_id", lambda corpus: f"{corpus.number(10**18, 2**63)}"),
    ("isbn", lambda corpus: f"978-{corpus.digits(1)}-{corpus.digits(2)}-{corpus.digits(6)}-{corpus.digits(1)}"),
    ("barcode", lambda corpus: f"40{corpus.digits(11)}"),
    ("event.time", Corpus.timestamp),
    ("event.time_ns", lambda corpus: f"17{corpus.digits(17)}"),
    ("event.time_us", lambda corpus: f"17{corpus.digits(14)}"),
    ("event.time_ms", lambda corpus: f"17{corpus.digits(11)}"),
    ("ratio", lambda corpus: f"0.{corpus.digits(16)}"),
    ("price", lambda corpus: f"{corpus.number(1, 999)}.{corpus.of(string.digits, 2)} EUR"),
    ("service.version", lambda corpus: ".".join(corpus.number(0, 20) for _ in "123")),
    ("service.version", lambda corpus: ".".join(corpus.number(1, 20) for _ in "1234")),
    ("service.version", lambda corpus: f"v1.{corpus.number(0, 30)}.0-rc.1+build.{corpus.digits(6)}"),
    ("browser.version", lambda corpus: f"{corpus.number(90, 130)}.0.0.0"),
    ("log", lambda corpus: f"upgraded libssl from version {corpus.number(1, 9)}.1.1.1 to {corpus.number(1, 9)}.2.0"),
    ("package", lambda corpus: f"app-{corpus.number(1, 9)}.12.3.{corpus.number(1, 9)}.jar"),
    ("package", lambda corpus: corpus.one_of("lodash@4.17.21", "@types/node@18.0.0", "react-dom@18.3.0-rc.1")),
    ("user_agent.original", lambda corpus: (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        f"Chrome/{corpus.number(90, 130)}.0.{corpus.number(0, 9)}.{corpus.number(0, 200)} Safari/537.36")),
    ("user_agent.original", lambda corpus: "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"),
    ("net.peer.ip", _private_ip),
    ("log", lambda corpus: f"accepted connection from {_private_ip(corpus)}:{corpus.number(1024, 65535)}"),
    ("net.sock.peer.addr", lambda corpus: corpus.one_of("::1", "fe80::1ff:fe23:4567:890a", "fd00::10", "0.0.0.0", "::")),
    ("host.mac", lambda corpus: ":".join(corpus.hexadecimal(2) for _ in range(6))),
    ("log", lambda corpus: f"at {corpus.timestamp()[11:19]} took 00:00:{corpus.number(10, 59)}.123"),
    ("code.function", lambda corpus: corpus.one_of("std::vector<int>::push_back", "App::Http::Kernel", "cafe::add")),
    ("url.full", _filled("https://{host}{path}?page={number}&sort=asc&utm_source=mail")),
    ("url.full", _filled("https://{host}/static/logo@2x.png?v={number}")),
    ("url.full", _filled("http://{host}:8080/actuator/health")),
    ("url.query", _filled("page_token={hex}&limit=10&tokens=3")),
    ("vcs.repository.url", lambda corpus: corpus.one_of("git@github.com:acme/shop.git", "ssh://git@git.example.com/x.git")),
    ("celery.worker", lambda corpus: f"celery@worker-{corpus.number(1, 9)}.prod.svc.cluster.local"),
    ("k8s.pod.name", lambda corpus: f"checkout-{corpus.hexadecimal(9)}-{corpus.of('bcdfghjklmnpqrstvwxz', 5)}"),
    ("k8s.deployment.name", lambda corpus: f"task-runner-service-worker-{corpus.number(1, 20)}"),
    ("k8s.node.name", lambda corpus: f"ip-10-0-{corpus.number(0, 255)}-{corpus.number(0, 255)}.eu-west-1.compute.internal"),
    ("aws.arn", lambda corpus: f"arn:aws:lambda:eu-west-1:{corpus.digits(12)}:function:shop-{corpus.number(1, 9)}"),
    ("file.path", lambda corpus: f"/var/lib/app/{corpus.timestamp()[:10]}/part-{corpus.digits(5)}.parquet"),
    ("code.file.path", lambda corpus: "/usr/lib/python3.11/site-packages/token_bucket/secrets.py"),
    ("http.request.header.accept", lambda corpus: "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"),
    ("http.request.header.etag", lambda corpus: f'W/"{corpus.hexadecimal(27)}"'),
    ("traceparent", lambda corpus: f"00-{corpus.hexadecimal(32)}-{corpus.hexadecimal(16)}-01"),
    ("exception.message", lambda corpus: corpus.one_of(
        "unexpected token: ';' at line 3", "Invalid password: try again", "secret not found: db-credentials",
        "token expired", "missing required parameter: password", "the bearer authentication-required flag is unset")),
    ("exception.stacktrace", lambda corpus: (
        f"java.lang.IllegalStateException: 12 items\n\tat com.example.Foo$Bar@{corpus.hexadecimal(8)}.run"
        f"(Foo.java:{corpus.number(1, 900)})")),
    ("log", _filled("{timestamp} INFO [main] order {number} shipped in {number} ms, trace={hex}")),
    ("log", lambda corpus: f"password=**** token=[REDACTED] secret=null retries={corpus.number(1, 9)}"),
    ("log", lambda corpus: f"GET /api/orders/{corpus.digits(8)} 200 {corpus.number(1, 900)}ms"),
    ("log", lambda corpus: "loaded secret: db-credentials, configmap: shop-settings"),
    ("http.request.body", _filled('{"items":[{"sku":"A-{number}","qty":2}],"total":12.50,"id":"{uuid}"}')),
    ("gen_ai.usage", lambda corpus: f'{{"input_tokens":{corpus.number(1, 9999)},"max_tokens":4096}}'),
    ("db.statement", lambda corpus: 'SELECT o.id, "total" FROM "orders" o WHERE o.user_id = $1 AND o.state = ?'),
    ("db.query.text", lambda corpus: "UPDATE table1 SET col2 = :value, col3 = @p1 WHERE id = %s -- by primary key"),
    ("db.statement", lambda corpus: "BEGIN"),
    ("phone.model", lambda corpus: f"SM-G99{corpus.number(1, 9)}B/DS"),
    ("math", lambda corpus: f"{corpus.number(1, 99)}+{corpus.digits(6)} = {corpus.digits(7)}"),
    ("part.number", lambda corpus: f"{corpus.digits(3)}-{corpus.digits(4)}-{corpus.digits(2)}"),
    ("blood.pressure", lambda corpus: f"{corpus.number(90, 140)}/{corpus.number(60, 90)}"),
    ("messaging.kafka.offset", lambda corpus: corpus.digits(11)),
    ("thread.name", lambda corpus: f"http-nio-8080-exec-{corpus.number(1, 200)}"),
    ("base64", lambda corpus: base64.b64encode(corpus.of(_ALNUM, 45).encode()).decode()),
    ("color", lambda corpus: f"#{corpus.hexadecimal(6)}"),
    ("geo", lambda corpus: f"{corpus.number(0, 89)}.{corpus.digits(6)},-{corpus.number(0, 179)}.{corpus.digits(6)}"),
]  # fmt: skip
