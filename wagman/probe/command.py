"""The command `probe`, and the questions to boards for `check-config`."""

import argparse
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

import trio

from wagman.cli.names import did_you_mean
from wagman.cli.outcome import DONE, FAILED, USAGE, CommandError
from wagman.config.boards import BoardConfig, PlainBoard, WagmanBoard
from wagman.config.load import load
from wagman.config.schema import Config, DeviceConfig
from wagman.io.names import look_up_apart
from wagman.model.errors import ConfigError
from wagman.probe import sources
from wagman.probe.answers import Answer, Answers, Asked, BoardSeen
from wagman.probe.boards import ask_plain
from wagman.probe.service import Service
from wagman.probe.table import as_json, shown
from wagman.probe.wagman_board import ask_wagman

T = TypeVar("T")


def run(args: argparse.Namespace) -> int:
    """Ask, and show the answers."""
    try:
        config = load(args.config)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return USAGE
    devices = config.devices if args.guest is None else (_named(config, args.guest),)
    answers = ask(config, devices)
    print(*([json.dumps(as_json(answers))] if args.json else shown(answers)), sep="\n")
    return DONE if answers.all_there else FAILED


def _named(config: Config, name: str) -> DeviceConfig:
    by_name = {device.name: device for device in config.devices}
    if name not in by_name:
        raise CommandError(f"unknown guest {name!r}{did_you_mean(name, by_name)}: there is {', '.join(by_name)}", USAGE)
    return by_name[name]


def ask(config: Config, devices: Sequence[DeviceConfig]) -> Answers:
    """Ask everything that has to do with these guests, at once, and each once."""
    return trio.run(_ask, config, tuple(devices))


async def _ask(config: Config, devices: tuple[DeviceConfig, ...]) -> Answers:
    look_up_apart()
    service = await trio.to_thread.run_sync(Service.at, config.service.socket)
    questions = [question for device in devices for question in sources.of_guest(device)]
    asked, witnesses, boards = list[Asked](), list[Asked](), list[BoardSeen]()
    async with trio.open_nursery() as nursery:
        ask_source = partial(sources.ask, service=service)
        nursery.start_soon(_into, asked, ask_source, questions)
        nursery.start_soon(_into, witnesses, ask_source, list(sources.witnesses(config, devices)))
        hung = [board for board in config.boards if any(device.board == board.name for device in devices)]
        nursery.start_soon(_into, boards, partial(_ask_board, devices=devices, service=service), hung)
    return Answers(tuple(asked), tuple(witnesses), tuple(boards))


async def _ask_board(board: BoardConfig, devices: tuple[DeviceConfig, ...], service: Service) -> BoardSeen:
    own = tuple(device for device in devices if device.board == board.name)
    match board:
        case WagmanBoard():
            return await ask_wagman(board, own, service)
        case PlainBoard():
            return await ask_plain(board, own)
    return BoardSeen(board, Answer("unknown", why="nobody knows how to ask a board of this kind"))


async def _into(found: list[T], ask_one: Callable[[object], Awaitable[T]], questions: Sequence[object]) -> None:
    """Ask all questions at once; the answers are in the order of the questions."""
    answers: dict[int, T] = {}

    async def put(number: int, question: object) -> None:
        answers[number] = await ask_one(question)

    async with trio.open_nursery() as nursery:
        for number, question in enumerate(questions):
            nursery.start_soon(put, number, question)
    found.extend(answers[number] for number in sorted(answers))
