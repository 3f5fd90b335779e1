"""Scenarios and the separation baseline on pictures that are NumPy arrays."""
from __future__ import annotations

import os
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Union

import numpy

from . import _semwave, progress as _progress
from .arrays import taken
from .errors import mistake
from .rows import as_asked
from .scenarios import Scenario, _scenario


class Pictures(NamedTuple):
    images: numpy.ndarray  # uint8 [images, height, width, channels]
    labels: numpy.ndarray  # int32 [images]
    classes: List[str]  # name of each label


def dataset(
    name: str = "fashion-mnist",
    split: str = "test",
    count: int = 0,
    path: Union[str, "os.PathLike[str]"] = "",
) -> Pictures:
    """The images of a data set, as a scenario's `source` names them: an image's id is its place.

    name: one of list("datasets"). split: train, validation, test, all_train. count: the first
        ones alone; 0: all.
    path: where they lie; else $SEMWAVE_DATA, then the system's datasets folder.
    Raises Error that says what is missing and how to get it, or which file is corrupt.
    """
    return Pictures(*_semwave.dataset(name, split, count, os.fspath(path)))


def evaluate(
    scenario: Scenario,
    images: numpy.ndarray,
    labels: Optional[Sequence[int]] = None,
    *,
    device: str = "auto",
    threads: int = 0,
    shard: int = 0,
    progress: _progress.Progress = None,
    frame: Optional[bool] = None,
    **overrides: Any,
):
    """As run(), on these pictures instead of the scenario's `source`; a row a point.

    images: uint8 [images, height, width, channels], or float32 in [0, 1], which is rounded to 8
        bits; C-contiguous. An
    image's id, which keys its draws, is its place. labels: their classes, for the metric accuracy.
    Raises Error where scenario, model and pictures do not go together.
    """
    listener = _progress.wanted(progress)
    try:
        rows = _semwave.evaluate(
            _scenario(scenario),
            overrides,
            taken(images, "images"),
            labels,
            device,
            threads,
            shard,
            listener,
        )
    finally:
        _progress.end(listener)
    return as_asked(rows, frame)


def baseline(
    images: numpy.ndarray,
    uses: Union[int, Sequence[int]],
    channel: Union[str, Dict[str, Any]],
    codec: Union[str, Dict[str, Any]] = "jpeg",
    *,
    snr_db: Optional[Sequence[float]] = None,
    labels: Optional[Sequence[int]] = None,
    classifier: Optional[str] = None,
    metrics: Optional[Sequence[str]] = None,
    seed: int = 1,
    transmitter: Optional[Dict[str, Any]] = None,
    threads: int = 0,
    progress: _progress.Progress = None,
    frame: Optional[bool] = None,
):
    """What separate coding makes of these pictures: image codec, channel code and modulation,
    chosen by the SNR.

    images: as for evaluate(). uses: the channel uses that an image may take, header, CRC and
        code included; a list gives
    a row each. channel: as for Channel. snr_db: SNRs to go through, a row each. codec: jpeg,
    webp, heic.
    metrics: default psnr, and accuracy where there are labels; ssim, ms_ssim.
    labels, classifier: classes of the pictures, and the checkpoint of a classifier that says
        them of what arrives (models/fashion_classifier_decoded.safetensors). Its mean training
        image stands for a lost picture; else mid-grey.
    transmitter: other keys of the transmitter `separation`, {"transport": "capacity"}.

    Of each picture the best quality is sent whose stream fits the uses with a predicted loss of
    at most 1 %; where nothing fits, nothing is sent, and the picture counts as lost. Rows are
    those of run(): psnr_db, channel_uses, separation.unfit, header_losses, ... Raises Error
    where an argument is wrong.
    """
    if labels is not None and classifier is None:
        raise mistake("labels", "say nothing without a classifier, which answers for the receiver")
    images = taken(images, "images")
    if not isinstance(images, numpy.ndarray) or images.ndim != 4:
        raise mistake("images", "must be a NumPy array [images, height, width, channels]")
    budgets = [int(one) for one in numpy.atleast_1d(uses)]
    sweep: Dict[str, List[Any]] = {}
    if snr_db is not None:
        sweep["/channel/snr_db"] = [float(one) for one in snr_db]
    if numpy.ndim(uses) > 0:
        sweep["/transmitter/budget"] = budgets
    scenario = {
        "version": 1,
        "name": "baseline",
        "seed": seed,
        "model": classifier if classifier else {"image": list(images.shape[1:])},
        "transmitter": {
            "kind": "separation",
            "codec": codec,
            "budget": budgets[0],
            **(transmitter or {}),
        },
        "channel": channel,
        "metrics": list(metrics)
        if metrics
        else ["psnr"]
        if labels is None
        else ["accuracy", "psnr"],
        "sweep": sweep,
    }
    return evaluate(scenario, images, labels, threads=threads, progress=progress, frame=frame)
