"""What becomes a template and what stays a name."""

import pytest

from collector.processing.templates import template

REPLACED = {
    # numbers
    "GET /api/orders/12345": "GET /api/orders/{number}",
    "/users/7/edit": "/users/{number}/edit",
    "/api/v2/items/9": "/api/v2/items/{number}",
    "/v1/projects/42/zones/eu-west-1/instances/17": "/v1/projects/{number}/zones/eu-west-1/instances/{number}",
    "process order 12345": "process order {number}",
    "page 3 of 10": "page {number} of {number}",
    "user:42": "user:{number}",
    "items[17]": "items[{number}]",
    "order #42": "order #{number}",
    "48.8566": "{number}",
    "-5 degrees": "-{number} degrees",
    "user-1234": "user-{number}",
    "invoice_204.pdf": "invoice_{number}.pdf",
    "user123456": "user{number}",
    "SELECT * FROM orders WHERE id = 42": "SELECT * FROM orders WHERE id = {number}",
    "2024-01-3112345": "{number}-01-{number}",
    "/٣٤٥/x": "/{number}/x",
    "/café/12/naïve": "/café/{number}/naïve",
    "/a%20b/x%2F12345": "/a%20b/x%2F{number}",
    # UUIDs
    "GET /o/123e4567-e89b-12d3-a456-426614174000": "GET /o/{uuid}",
    "/O/123E4567-E89B-12D3-A456-426614174000/x": "/O/{uuid}/x",
    "order-123e4567-e89b-12d3-a456-426614174000.json": "order-{uuid}.json",
    # hashes
    "/commit/9fceb02": "/commit/{hash}",
    "/commit/9fceb02d0ae598e95dc970b74767f19372d61af8": "/commit/{hash}",
    "/blob/DEADBEEF12345678DEADBEEF12345678": "/blob/{hash}",
    "/users/507f1f77bcf86cd799439011": "/users/{hash}",
    "redis GET session:9f86d081884c7d65": "redis GET session:{hash}",
    "/static/main-7a8b9c0d1e2f.js": "/static/main-{hash}.js",
    "Foo$$Lambda/0x0000000800066840": "Foo$$Lambda/{hash}",
    # random ids
    "/u/x7k2mqp4": "/u/{id}",
    "/u/01ARZ3NDEKTSV4RRFFQ69G5FAV": "/u/{id}",
    "/u/0ujtsYcgvSTl8PAuAdqWYSMnLOv": "/u/{id}",
    "/verify/eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9": "/verify/{id}",
    # email addresses, IP addresses, dates
    "send to bob.smith+x@example.co.uk now": "send to {email} now",
    "/by/bob@example.com/posts": "/by/{email}/posts",
    "connect 10.0.0.1:5432": "connect {ip}:{number}",
    "connect [2001:db8::1]:80": "connect [{ip}]:{number}",
    "ping 2001:0db8:0000:0000:0000:ff00:0042:8329": "ping {ip}",
    "ping ::1": "ping {ip}",
    "/report/2024-01-31": "/report/{date}",
    "/report-2024-01-31.csv": "/report-{date}.csv",
    "job at 2024-01-31T10:00:00.123Z": "job at {date}",
    "job at 2024-01-31 10:00:00+02:00": "job at {date}",
    # query strings
    "/search?q=abc&page=1": "/search",
    "GET /?a=b HTTP": "GET / HTTP",
    "https://example.com/x/1?y=2 end": "https://example.com/x/{number} end",
}

KEPT = [
    line.strip()
    for line in """
    GET /v1/users
    /api/v2/
    /apis/apps/v1beta1/deployments
    /v2alpha1/things
    POST /oauth2/callback
    s3
    aws.s3.GetObject
    arn:aws:s3:::bucket
    ec2.amazonaws.com
    utf8
    utf-8
    UTF-16
    sha256
    sha-256
    md5
    base64
    iso-8859-1
    iso8601
    rfc7231
    windows-1252
    p-256
    x.509
    h.264
    mp4
    i18n
    l10n
    k8s
    p99
    b2b
    web3
    http2
    ipv4
    ipv6
    x86_64
    arm64
    int64
    log4j-2
    node42
    user-42
    eu-west-1
    us-east-2a
    1.2.3
    /docs/v1.2.3/intro
    OAuth 2.0
    HTTP/1.1
    lodash@4.17.21
    4xx
    2fa
    1st
    3d-model
    facade
    defaced
    deadbeef
    decade90
    face2face
    Face::Add
    std::vector
    findUserByIdV2
    getS3V4Url
    copyS3ToEc2Volume
    convertUtf8ToBase64
    AbstractSingletonProxyFactoryBean
    grpc.health.v1.Health/Check
    com.example.shop.OrderService/PlaceOrder
    admin/users#show
    SELECT shop.orders
    is it done? yes
    /users/{id}/posts/{postId}
    /users/{1234}
    /users/:id
    {other}
    DNS lookup
    queue process
    @scope/package
    /.well-known/openid-configuration
""".strip().splitlines()
]


@pytest.mark.parametrize(("name", "expected"), REPLACED.items())
def test_ids_become_placeholders(name, expected):
    assert expected == template(name)


@pytest.mark.parametrize("name", KEPT)
def test_words_stay(name):
    assert name == template(name)


def test_the_empty_name_stays():
    assert "" == template("")


@pytest.mark.parametrize("name", REPLACED.values())
def test_templates_stay(name):
    """Names that another collector on the way has made templates of do not change again."""
    assert name == template(name)


@pytest.mark.parametrize(
    "piece",
    [
        "/",
        "a",
        "1",
        "a1",
        "a.",
        "1.",
        "1:",
        "f:",
        "::",
        "a@",
        "a@b.",
        "{",
        "{a",
        "?/",
        "/?",
        "-",
        "1-",
        "%",
        "2024-01-",
    ],
)
def test_long_names_end(piece):
    """Where the time were quadratic, this would take minutes."""
    template(piece * 50_000)
