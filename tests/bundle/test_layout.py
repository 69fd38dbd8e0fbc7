from itertools import pairwise, product

from codewren.bundle.layout import tensor_layout
from codewren.core.student_config import PositionType, Storage
from codewren.core.task import CLONE
from students import CONFIG


def test_tensors_lie_aligned_in_file_order_without_overlap() -> None:
    for positions, storage, layers in product(PositionType, Storage, (1, 2, 5)):
        config = CONFIG.replace(position_embedding_type=positions, storage=storage, num_hidden_layers=layers)
        spans = [span for place in tensor_layout(config, CLONE) for span in place.ranges]
        assert all(start % 16 == 0 for start, _ in spans)
        assert all(0 <= start - end < 16 for (_, end), (start, _) in pairwise(spans))
