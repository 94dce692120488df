"""`tid2008`: 17 distortions at 4 levels of 25 photographs."""

from benchmark.types import DatasetInfo
from iqa_datasets.tid import Tid

DATASET = Tid(
    DatasetInfo(
        name="tid2008",
        title="Tampere Image Database 2008",
        label_kind="MOS",
        label_higher_is_better=True,
        label_range=(0.0, 9.0),
        n_pairs=1700,
        n_contents=25,
        licence="the authors': free download for research, with citation; read the database's readme",
        url="https://www.ponomarenko.info/tid2008.htm",
        citation="N. Ponomarenko et al., TID2008: A database for evaluation of full-reference visual quality "
        "assessment metrics, Advances of Modern Radioelectronics 10, 2009",
        layout="reference_images/I01.BMP ... I25.BMP\n"
        "distorted_images/I01_01_1.bmp ... i25_17_4.bmp\n"
        "mos_with_names.txt   lines '5.9706 I01_01_1.bmp'\n"
        "mos_std.txt          optional, one number per line in the same order",
        note="Letter case of names does not matter. Its pictures and kinds of distortion are all in TID2013 too: "
        "the two are not independent.",
        label_std_kind="mean",
        contains=("tid2013",),
    ),
    n_types=17,
)
