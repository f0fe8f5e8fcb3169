"""Distillation of a CLIP teacher: the student's similarities of a batch's images and texts become the teacher's.

Wu et al. 2023, "TinyCLIP: CLIP Distillation via Affinity Mimicking and Weight Inheritance", and Vasu et al. 2024,
"MobileCLIP: Fast Image-Text Models through Multi-Modal Reinforced Training". As in MobileCLIP, the teacher's embeddings
are stored before the run, so that a step takes as long as without a teacher.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from training.data.batch import Batch
from training.data.dataset import ImageDataset
from training.data.teacher import Teacher
from training.methods.clip import CLIP
from training.methods.rows import full
from training.methods.two_towers import PairViews
from training.models.collectives import gather
from training.models.dual_encoder import DualEncoder
from training.models.errors import UserError
from training.models.knobs import SHARE, knob


class Distillation(CLIP):
    """A weighted sum of CLIP's loss and the distance of the similarities from those of the teacher."""

    @dataclass(frozen=True, kw_only=True)
    class Config(CLIP.Config):
        teacher: str = knob("", "the teacher's embeddings: a collection of the training images, or a file .npz")
        distillation: float = knob(
            0.75, "weight of the teacher's loss, 0 to 1; the rest is that of CLIP's", range=SHARE
        )

    augment: "TaughtPairs"

    def __init__(self, pair: DualEncoder, config: Config):
        super().__init__(pair, config)
        self.weight, self.of_teacher = config.distillation, config.teacher
        self.augment = TaughtPairs(pair, config.crop, config.hard_negatives)
        self.teacher_scale = 1.0

    def see_data(self, images: ImageDataset) -> None:
        if not self.of_teacher:
            raise UserError(
                "distillation needs --teacher: a collection of the training images, made with python -m index build "
                "SOURCE --into teacher.gelato --encoder TEACHER."
            )
        teacher = Teacher.open(Path(self.of_teacher))
        self.teacher_scale = self.augment.learn_from(teacher, images)

    def embed(self, images: Tensor, tokens: Tensor, identity: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        """As CLIP embeds them, and the teacher's unit rows of the images and captions."""
        *negatives, teacher_images, teacher_texts = rest
        return *super().embed(images, tokens, identity, *negatives), teacher_images, teacher_texts

    def objective(self, image: Tensor, text: Tensor, identity: Tensor, *rest: Tensor) -> Tensor:
        *negatives, teacher_image, teacher_text = rest
        contrast = super().objective(image, text, identity, *negatives)
        scale, of_teacher = self.pair.model.logit_scale.exp(), self.teacher_scale
        images, texts = gather(image), gather(text)
        teacher_images, teacher_texts = gather(teacher_image.detach()), gather(teacher_text.detach())
        of_images = rows_divergence(image, texts, scale, teacher_image, teacher_texts, of_teacher)
        of_texts = rows_divergence(text, images, scale, teacher_text, teacher_images, of_teacher)
        self.divergence = ((of_images + of_texts) / 2).detach()
        return (1 - self.weight) * contrast + self.weight * (of_images + of_texts) / 2

    def report(self) -> dict[str, float]:
        """divergence: of the student's similarities from the teacher's, in nats; 0 if they are equal."""
        return super().report() | {"divergence": float(self.divergence)}


class TaughtPairs(PairViews):
    """CLIP's arguments, and the teacher's unit rows of the images and of their captions."""

    def learn_from(self, teacher: Teacher, images: ImageDataset) -> float:
        """Find the embeddings of these images and of all their captions; gives the scale of the teacher's logits."""
        self.teacher = teacher
        self.row_of_sample = teacher.rows([images.item(number).path for number in range(len(images))])
        texts = list(dict.fromkeys(text for number in range(len(images)) for text in images.captions(number)))
        vectors, scale = teacher.embed_texts(texts)
        self.text_vectors, self.row_of_text = torch.from_numpy(vectors), {text: row for row, text in enumerate(texts)}
        return scale

    def beside(self, batch: Batch, captions: list[str]) -> tuple[Tensor, ...]:
        rows = self.row_of_sample[batch.random.samples]
        texts = self.text_vectors[[self.row_of_text[caption] for caption in captions]]
        return *super().beside(batch, captions), torch.from_numpy(self.teacher.vectors(rows)), texts


def distillation_loss(
    image: Tensor,
    text: Tensor,
    scale: Tensor | float,
    teacher_image: Tensor,
    teacher_text: Tensor,
    teacher_scale: float,
) -> Tensor:
    """Mean over both directions of the divergence of a batch's similarities from the teacher's (MobileCLIP, eq. 3).

    image, text: [B, D] unit rows of the student; teacher_image, teacher_text: [B, E] of the teacher, row i of each of
    pair i. scale, teacher_scale: multiply the cosines. In nats; 0 if all similarities are the teacher's.
    """
    of_images = rows_divergence(image, text, scale, teacher_image, teacher_text, teacher_scale)
    of_texts = rows_divergence(text, image, scale, teacher_text, teacher_image, teacher_scale)
    return (of_images + of_texts) / 2


def rows_divergence(
    queries: Tensor,
    candidates: Tensor,
    scale: Tensor | float,
    teacher_queries: Tensor,
    teacher_candidates: Tensor,
    teacher_scale: float,
) -> Tensor:
    """One direction: KL(teacher, student) of the distribution of each query [b, D] over candidates [B, D], mean."""
    with torch.autocast(queries.device.type, enabled=False):
        logs = F.log_softmax(scale * full(queries) @ full(candidates).T, dim=1)
        of_teacher = F.log_softmax(teacher_scale * full(teacher_queries) @ full(teacher_candidates).T, dim=1)
        return F.kl_div(logs, of_teacher.detach(), reduction="batchmean", log_target=True)
