"""The table of commands: what it declares is what the use cases take, with the same defaults."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ssdgm_runtime import __main__ as main
from ssdgm_runtime import model
from ssdgm_runtime.bench import outcome, request
from ssdgm_runtime.console import catalogue, commands, serving, signatures
from ssdgm_runtime.console.cluster import engine as ray
from ssdgm_runtime.console.command import REQUIRED, Command, Option

EVERY = pytest.mark.parametrize("command", catalogue.COMMANDS, ids=lambda c: c.name)
OPTIONS = [(c.name, o) for c in catalogue.COMMANDS for o in c.options]
CALLED: dict[str, tuple[Callable[..., Any], ...]] = {
    "inspect": (commands.inspect,),
    "verify": (commands.verify, model.Model),
    "classify": (ray.run, commands.classify, model.Model),
    "predict": (ray.run, commands.classify, model.Model),
    "score": (ray.run, commands.score, model.Model),
    "generate": (ray.generate, commands.generate, model.Model),
    "bench": (request.parse, outcome.Result),
    "key": (signatures.key,),
    "sign": (signatures.sign,),
    "serve": (serving.serve, model.Model),
    "doctor": (commands.examine,),
}
"""What each command fills with the values of its options."""

ELSEWHERE = {"bundle", "class_", "styles", "analogies", "walk", "run", "engine"}
"""Options whose values go by another name, or are made into another."""


def parameters(command: Command) -> Iterator[inspect.Parameter]:
    """What a command's functions take."""
    for function in CALLED[command.name]:
        yield from inspect.signature(function).parameters.values()


@EVERY
def test_a_default_is_that_of_what_is_called(command: Command) -> None:
    defaults = {p.name: p.default for p in parameters(command)}
    for option in command.options:
        if option.name in ELSEWHERE or option.default is REQUIRED:
            continue
        given = {bool: False}.get(option.type, option.default)
        assert (given or None) == (defaults[option.name] or None), option.flag


@EVERY
def test_everything_that_is_called_can_be_asked_for(command: Command) -> None:
    named = {option.name for option in command.options}
    made = {"path", "classes", "picture", "draw", "engine", "verify", "options", "max_bytes"}
    made |= {"policy", "settings"}
    made |= {"top", "keep", "probabilities"} if command.name == "score" else set()
    assert {p.name for p in parameters(command)} - named <= made | {"task"}


@pytest.mark.parametrize(("command", "option"), OPTIONS, ids=[f"{c}-{o.flag}" for c, o in OPTIONS])
def test_an_option_has_a_help_that_is_a_sentence(command: str, option: Option) -> None:
    assert option.help[0].isupper()
    assert option.help.endswith((".", "]"))
    assert option.flags or option.flag.isupper()


@EVERY
def test_no_two_options_share_a_flag_or_a_name(command: Command) -> None:
    every = (*command.options, catalogue.AS_JSON, catalogue.QUIET)
    flags = [flag for option in every for flag in option.flags]
    assert len(set(flags)) == len(flags)
    assert len({option.name for option in every}) == len(every)


@EVERY
def test_the_runtime_s_parser_has_every_option(command: Command) -> None:
    (group,) = (a for a in main._parser()._actions if a.choices)
    assert isinstance(group.choices, dict)
    parser = group.choices[command.name]
    there = {flag for action in parser._actions for flag in action.option_strings}
    declared = {flag for option in command.options for flag in option.flags}
    assert there == declared | {"-h", "--help", *catalogue.AS_JSON.flags}
    assert parser.description == command.help
