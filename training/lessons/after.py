"""What came after: which systems took which idea of the lecture, up to a year."""

from collections.abc import Iterator, Sequence

from PIL import Image

from training.lessons.lesson import Part, Settings
from training.lessons.parts import remark, sentence, steps
from training.lessons.said import say

SYSTEMS = (  # year, name, what it took over, the idea; docs/heirs.md has the papers
    (2013, "DeViSE", say("images and words in one space"), "language"),
    (2016, "Colorisation, jigsaw", say("a puzzle made of the image"), "structure"),
    (2020, "SimCLR, MoCo", say("two views of an image against all others"), "contrast"),
    (2020, "BYOL, SwAV", say("two views without negatives"), "contrast"),
    (2021, "DINO", say("a momentum teacher, from MoCo and BYOL"), "contrast"),
    (2021, "CLIP", say("DeViSE's space, InfoNCE, 400 million pairs"), "language"),
    (2022, "MAE", say("hidden patches, as words are hidden in BERT"), "structure"),
    (2022, "Stable Diffusion", say("CLIP's text tower steers the image"), "language"),
    (2022, "BLIP", say("the contrastive loss, with captioning"), "language"),
    (2022, "LAION-5B", say("CLIP's data, filtered by CLIP"), "language"),
    (2023, "SigLIP", say("CLIP's towers, a sigmoid for each pair"), "language"),
    (2023, "DINOv2", say("DINO with masked patches and more images"), "contrast"),
    (2023, "LLaVA", say("CLIP's image tower sees for a language model"), "language"),
    (2024, "PaliGemma", say("SigLIP's image tower does the same"), "language"),
)


def parts(settings: Settings, photos: Sequence[Image.Image]) -> Iterator[Part]:
    year, idea = settings.whole("year"), settings.text("idea")
    known = [system for system in SYSTEMS if system[0] <= year and idea in ("all", system[3])]
    later = sum(system[0] > year for system in SYSTEMS)
    yield sentence(
        say(
            "{known} of the systems here by {year}; {later} were still to come.",
            known=len(known),
            year=year,
            later=later,
        )
    )
    yield steps("systems", [(f"{name}, {when}", [what]) for when, name, what, _ in known])
    yield remark(say("docs/heirs.md has the papers, and the commands that exchange models with these systems."))
