"""The log lines on standard output: whatever becomes of them, the guests are kept alive, and the service ends when told to."""

import fcntl
import os
import signal
import subprocess

from tests.service.kit import Node, eventually, new_node

END_S = 10.0  # real time: writing out takes 5 s at most, and the lines 1 s


def require_supervision(node: Node, service: subprocess.Popen[str]) -> None:
    """It does all that it is there for, and ends in an orderly way without a complaint."""
    eventually(node.all_started)
    node.require_nobody_was_cut()
    service.send_signal(signal.SIGTERM)
    assert service.wait(END_S) == 0
    assert service.stderr
    assert service.stderr.read() == ""


def test_lines_whose_reader_has_gone_end_no_supervision() -> None:
    with new_node() as node:
        node.start_board()
        service = node.start_service(stdout=subprocess.PIPE)
        assert service.stdout
        service.stdout.readline()
        service.stdout.close()
        require_supervision(node, service)


def test_lines_that_a_full_disk_does_not_take_end_no_supervision() -> None:
    with new_node() as node, open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        node.start_board()
        require_supervision(node, node.start_service(stdout=full.fileno()))


def test_lines_that_nobody_reads_hold_up_nothing() -> None:
    with new_node() as node:
        node.start_board()
        reading, writing = os.pipe()
        room = fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
        service = node.start_service(stdout=writing)
        os.close(writing)
        try:
            eventually(node.answers)
            for _ in range(room // 100):
                node.call("enable", device="gn")
            require_supervision(node, service)
        finally:
            os.close(reading)
