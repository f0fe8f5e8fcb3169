"""A few images of a collection to try something on, spread over it."""

from index.collection import Collection
from training.models.file_names import file_name


def sample_rows(collection: Collection, count: int) -> list[int]:
    """The rows of at most count images, the first and the last among them."""
    last, count = len(collection) - 1, min(count, len(collection))
    return list(dict.fromkeys(last * i // max(1, count - 1) for i in range(count)))


def samples_of(collection: Collection, count: int) -> list[dict[str, str]]:
    """The id and the caption, else the file name, of at most count images."""
    items = collection.items
    return [
        {"id": items["id"].iat[row], "name": items["caption"].iat[row] or file_name(items["path"].iat[row])}
        for row in sample_rows(collection, count)
    ]
