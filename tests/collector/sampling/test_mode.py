"""The engine follows from the mode."""

import pytest
from structlog.testing import capture_logs

from collector.sampling.head import HeadProcessor
from collector.sampling.mode import ModeConfig, sampler_of
from collector.sampling.tail import TailProcessor
from collector.testing import Sink, make_settings


class Nobody:
    """Never asked."""

    def decide(self, trace):
        raise AssertionError(trace)


def built(**options):
    return sampler_of(ModeConfig.model_validate(options), make_settings("probe"), Sink(), Nobody())


@pytest.mark.parametrize(("options", "engine"), [({}, TailProcessor), ({"mode": "head"}, HeadProcessor)])
def test_the_engine_is_that_of_the_mode(options, engine):
    assert isinstance(built(**options), engine)


@pytest.mark.parametrize(
    ("options", "ignored"),
    [
        ({"mode": "head", "explain": False, "dry_run": True}, []),
        ({"mode": "head", "num_traces": 5, "decision_wait": "1s"}, [["decision_wait", "num_traces"]]),
        ({"mode": "tail", "num_traces": 5}, []),
    ],
)
def test_options_that_do_nothing_are_told(options, ignored):
    with capture_logs() as log:
        built(**options)
    assert ignored == [line["options"] for line in log if line["log_level"] == "warning"]
