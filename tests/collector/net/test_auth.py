"""Finding the extension that an `auth` block names."""

import pytest
from pydantic import ValidationError

from collector.api import ComponentId, Idle, StartError
from collector.net.auth import AuthConfig, find_authenticator
from collector.testing import FakeHost

CONFIG = AuthConfig(authenticator="basicauth/server")
ID = ComponentId("basicauth", "server")


class Authenticator(Idle):
    async def authenticate(self, headers):
        """Let everybody pass."""


def test_the_extension_of_that_id_is_asked():
    extension = Authenticator()
    assert extension is find_authenticator(CONFIG, FakeHost({ID: extension}))
    assert find_authenticator(None, FakeHost()) is None


def test_a_missing_extension_is_a_start_error():
    with pytest.raises(StartError, match=r'no extension "basicauth/server" runs; declare it under extensions'):
        find_authenticator(CONFIG, FakeHost())


def test_an_extension_of_another_trade_is_a_start_error():
    with pytest.raises(StartError, match=r'the extension "basicauth/server" cannot authenticate requests'):
        find_authenticator(CONFIG, FakeHost({ID: Idle()}))


def test_what_is_no_id_is_refused_with_the_configuration():
    with pytest.raises(ValidationError, match="is not a component id"):
        AuthConfig(authenticator="/server")
