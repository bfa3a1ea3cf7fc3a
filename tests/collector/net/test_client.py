import pytest
from pydantic import ValidationError

from collector.api import ComponentConfig, ComponentId, Idle, StartError, option
from collector.net.client import (
    ClientAuthConfig,
    Headers,
    MiddlewareConfig,
    advise,
    find_client_authenticator,
    refuse_middlewares,
)
from collector.testing import FakeHost

AUTH = ClientAuthConfig(authenticator="bearer")


class Config(ComponentConfig):
    headers: Headers = option({}, "Headers.")


class Signer(Idle):
    async def request_headers(self, client):
        return {"authorization": "Bearer x"}


def test_an_authenticator_is_found():
    """It is an extension that has headers to give; without a block there is none."""
    signer = Signer()

    assert signer is find_client_authenticator(AUTH, FakeHost({ComponentId("bearer"): signer}))
    assert find_client_authenticator(None, FakeHost()) is None


def test_an_authenticator_that_does_not_run():
    """Sending without the credentials would only be refused later."""
    with pytest.raises(StartError, match='no extension "bearer" runs'):
        find_client_authenticator(AUTH, FakeHost())


def test_an_extension_of_another_kind():
    """Not every extension signs requests."""
    with pytest.raises(StartError, match="cannot sign what is sent"):
        find_client_authenticator(AUTH, FakeHost({ComponentId("bearer"): Idle()}))


def test_middlewares_are_not_there_yet():
    """The key is known, and starting says what to remove."""
    refuse_middlewares([])
    with pytest.raises(StartError, match="remove limiter/x"):
        refuse_middlewares([MiddlewareConfig(id="limiter/x")])


def test_headers_are_a_mapping_or_pairs():
    """Both ways of writing are the same, and values do not show."""
    config = Config.model_validate({"headers": {"api-key": "secret"}})

    assert config == Config.model_validate({"headers": [{"name": "api-key", "value": "secret"}]})
    assert "secret" not in repr(config)
    with pytest.raises(ValidationError, match="valid dict"):
        Config.model_validate({"headers": [{"key": "api-key"}]})


@pytest.mark.parametrize(
    ("failure", "advice"),
    [
        ("SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER", "does not speak TLS"),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Hostname mismatch", "is for another name"),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed", "is not trusted"),
        ("Failed to connect to remote host: Connection refused", "nothing listens there"),
    ],
)
def test_advice(failure, advice):
    """The failure is told as it is, with what to do about it."""
    told = advise(failure)

    assert told.startswith(failure)
    assert advice in told


def test_no_advice():
    """What is not known is told as it is."""
    assert "the moon is full" == advise("the moon is full")
