"""`tid2013`: 24 distortions at 5 levels of 25 photographs."""

from benchmark.types import DatasetInfo
from iqa_datasets.tid import Tid

DATASET = Tid(
    DatasetInfo(
        name="tid2013",
        title="Tampere Image Database 2013",
        label_kind="MOS",
        label_higher_is_better=True,
        label_range=(0.0, 9.0),
        n_pairs=3000,
        n_contents=25,
        licence="the authors': free download for research, with citation; read the database's readme",
        url="https://www.ponomarenko.info/tid2013.htm",
        citation="N. Ponomarenko et al., Image database TID2013: Peculiarities, results and perspectives, "
        "Signal Processing: Image Communication 30, 2015",
        layout="reference_images/I01.BMP ... i25.bmp\n"
        "distorted_images/i01_01_1.bmp ... i25_24_5.bmp\n"
        "mos_with_names.txt   lines '5.51429 I01_01_1.bmp'\n"
        "mos_std.txt          optional, one number per line in the same order",
        note="Letter case of names does not matter. The 25th picture is synthetic, not a photograph.",
        label_std_kind="mean",
        contains=("tid2008",),
    ),
    n_types=24,
)
