"""A process for what is timed."""

import concurrent.futures
import multiprocessing


def new_process() -> concurrent.futures.ProcessPoolExecutor:
    """Returns a new Python process for functions; it shares no framework, threads or memory with this one."""
    return concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
