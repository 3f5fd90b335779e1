"""Arrays of other libraries, by DLPack: a tensor of PyTorch is taken as it lies in memory,
nothing copied."""
from __future__ import annotations

import ctypes
from typing import Any

import numpy

from .errors import Error, mistake

ON_THE_PROCESSOR = (1, 3)  # DLPack's kDLCPU and kDLCUDAHost


def taken(value: Any, name: str, *, written: bool = False) -> Any:
    """A NumPy array of the same memory; what has no DLPack is given back for the library to judge.

    written: it will be written to. Raises Error for what lies on another device, or is no plain
        memory.
    """
    if isinstance(value, numpy.ndarray) or not hasattr(value, "__dlpack__"):
        return value
    try:
        if value.__dlpack_device__()[0] not in ON_THE_PROCESSOR:
            raise mistake(
                name,
                "lies on another device than the processor: move it there first, as with .cpu()",
            )
        array = numpy.from_dlpack(value)
    except Error:
        raise
    except (BufferError, RuntimeError, TypeError, ValueError) as problem:
        raise mistake(name, f"cannot be taken by DLPack: {problem}") from None
    if not written or array.flags.writeable or not array.flags.c_contiguous:
        return array
    if array.size == 0:
        return numpy.empty(array.shape, array.dtype)
    # NumPy takes such memory to read alone. Who gives it as `out` allows more; `value` keeps
    # it alive.
    memory = (ctypes.c_char * array.nbytes).from_address(array.ctypes.data)
    return numpy.ndarray(array.shape, array.dtype, memoryview(memory))
