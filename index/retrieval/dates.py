"""When images were taken."""

import pandas as pd

from training.data.metadata.moments import read_offset

DATES = ("modified", "date", "taken")  # columns that dates looks at


def dates(items: pd.DataFrame) -> pd.Series:
    """When each image was taken; where that is not known, when its file changed. In UTC."""
    found = pd.to_datetime(items["modified"], utc=True)
    for name in DATES[1:]:  # `date` is what collections of older revisions call it
        if name in items and pd.api.types.is_datetime64_any_dtype(items[name]):
            # Columns differ in unit and time zone, which fillna does not reconcile.
            known = pd.to_datetime(items[name], utc=True)
            found = known.where(known.notna(), found.astype(known.dtype))
    return found


def clocks(items: pd.DataFrame) -> pd.Series:
    """The same as the clock of the camera showed it, without a time zone: photos of one evening are of one day."""
    found = dates(items).dt.tz_localize(None)
    if "taken_offset" not in items or "taken" not in items:
        return found
    offsets = {text: read_offset(text) for text in items["taken_offset"].dropna().unique()}
    zones = pd.to_timedelta(items["taken_offset"].map(offsets)).where(items["taken"].notna())
    return found + zones.fillna(pd.Timedelta(0))
