"""EMANet, the proposed network of the paper ``emanet`` (Ramasubbu 2026, IJACTE 15(2), 131-135).

A lightweight convolutional extractor, patch embedding of its feature map, a mask from that map, masked self-attention,
fusion, and a linear classifier (Methodology; Algorithmic Strategy, steps 1 to 8). The loss is cross-entropy; the
optional λ‖W‖² is the recipe's weight decay. What the paper leaves open or contradicts, and the option that chooses:

- ``form``: the first equation masks a query's output (``output``), the second and step 12 the weights after the softmax
  without scaling them again (``weights``); neither saves an operation. Chosen: irrelevant keys are excluded before the
  softmax, and only kept tokens are computed (``gather``); with ``before_softmax`` dropped positions attend to the kept
  ones too, which counts where ``dropped`` is ``fused``; ``none`` is plain self-attention.
- ``selection``: tokens whose importance reaches ``threshold`` are kept, so the kept share differs by image (step
  9), or the ``share`` of the most important ones (``topk``).
- ``mask``: f_mask is three words. Chosen (``learned``): feature importance, a linear map of F_cnn, plus spatial
  saliency, a token's mean activation against the image's other tokens. A threshold has no gradient: it passes straight
  through (Bengio et al. 2013, arXiv:1308.3432). ``inverted``, ``random`` and ``lesion`` (the true one) are ablations.
- ``dropped``: what a dropped position contains after the fusion: F_cnn alone (``cnn``), or α F_cnn + (1 − α) F_att
  whatever F_att is there (``fused``, as written).
- ``alpha``: one for all (``scalar``) or one a channel (``channel``), within 0 and 1, or any number (``free``);
  ``zero`` and ``one`` hold it there.
- ``plain``: steps 3 to 5 to the letter. Otherwise patch embeddings get fixed sine-cosine positions and a layer
  normalisation, and F_att an output projection, as the cited transformers have them (Dosovitskiy et al. 2020).

To the letter, the paper is ``form`` weights, ``selection`` threshold, ``dropped`` fused, ``alpha`` free, ``plain``, one
of ``heads`` and no ``dropout``: the model ``emanet_literal`` of params.yaml.

αF_cnn + (1 − α)F_att needs equal shapes: F_cnn is averaged over each patch. As the classifier sees the mean over all
positions, spreading F_att over the patch's pixels instead would be the same function.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmark.models import registered
from benchmark.models.blocks import convolution, positions, separable

FORMS = ("gather", "before_softmax", "weights", "output", "none")
SELECTIONS = ("threshold", "topk")
MASKS = ("learned", "inverted", "random", "lesion")
DROPPED = ("cnn", "fused")
ALPHAS = ("scalar", "channel", "free", "zero", "one")
STRIDE = 4  # of the extractor, pixels


class Mask(nn.Module):
    """f_mask (step 4): F_cnn on the token grid (N × T × D) to a mask (N × T) of zeros and ones.

    ``source`` is ``learned``, ``inverted`` or ``random``, as the option ``mask``. At least one token is kept; where the
    mask is inverted, one at least is dropped.
    """

    def __init__(self, width: int, source: str, selection: str, threshold: float, share: float) -> None:
        super().__init__()
        self.source, self.selection, self.threshold, self.share = source, selection, threshold, share
        if source != "random":
            self.importance = nn.Linear(width, 1)
            self.saliency = nn.Parameter(torch.ones(()))

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the hard mask, with the gradient of the soft one."""
        soft = self.scores(tokens)
        hard = self._select(soft)
        if self.source == "random":
            return hard
        if self.source == "inverted":  # the gradient is not, so training cannot undo it
            hard = 1 - hard
        return hard + soft - soft.detach() if self.training else hard

    def scores(self, tokens: Tensor) -> Tensor:
        """Return the importance of each token (N × T), within 0 and 1: feature importance and spatial saliency."""
        if self.source == "random":
            return self._drawn(tokens)
        strength = tokens.abs().mean(2)
        spread, usual = torch.std_mean(strength, 1, correction=0, keepdim=True)
        saliency = (strength - usual) / (spread + 1e-6)
        return (self.importance(tokens).squeeze(2) + self.saliency * saliency).sigmoid()

    def _select(self, soft: Tensor) -> Tensor:
        if self.selection == "threshold":
            return (soft >= soft.amax(1, keepdim=True).clamp(max=self.threshold)).to(soft.dtype)
        count = max(1, int(self.share * soft.shape[1] + 0.5))
        best = soft.argsort(dim=1, descending=True, stable=True)[:, :count]
        return torch.zeros_like(soft).scatter(1, best, 1.0)

    def _drawn(self, tokens: Tensor) -> Tensor:
        """Return random importances: new ones for each image in training, the same for all images afterwards."""
        if self.training:
            return torch.rand(tokens.shape[:2]).to(tokens)
        fixed = torch.rand(tokens.shape[1], generator=torch.Generator().manual_seed(0))
        return fixed.to(tokens).expand(len(tokens), -1)


class MaskedSelfAttention(nn.Module):
    """Self-attention under a mask (step 5).

    Standard attention is one fused kernel after training while ``fused_attn`` (timm's name) holds; otherwise, and under
    a mask, it is explicit matrix products, so all of them can be counted.
    """

    def __init__(self, width: int, heads: int, form: str, project: bool = True) -> None:
        super().__init__()
        self.heads, self.form, self.fused_attn = heads, form, True
        self.qkv = nn.Linear(width, 3 * width)
        self.project = nn.Linear(width, width) if project else nn.Identity()

    def forward(self, tokens: Tensor, mask: Tensor | None) -> Tensor:
        """Return F_att (N × T × D) of tokens (N × T × D) under their mask (N × T; None: all are kept)."""
        query, key, value = self._by_head(self.qkv(tokens))
        if self.form in ("none", "output"):
            attended = self._standard(query, key, value)
        elif self.form == "weights":
            attended = (self._weights(query, key).softmax(3) * mask[:, None, None, :]) @ value
        else:
            attended = masked_softmax(self._weights(query, key), mask[:, None, None, :]) @ value
        attended = self.project(attended.transpose(1, 2).reshape(tokens.shape))
        return attended * mask.unsqueeze(2) if self.form in ("gather", "output") else attended

    def among(self, tokens: Tensor, counts: list[int]) -> Tensor:
        """Return F_att (K × D) of tokens (K × D) of several images, the first ``counts[0]`` of the first, and so on.

        Each image's tokens attend to one another, and nothing is computed for any other.
        """
        parts = [part.unsqueeze(0) for part in self.qkv(tokens).split(counts) if len(part)]
        attended = [self._standard(*self._by_head(part)).transpose(1, 2).reshape(-1, tokens.shape[1]) for part in parts]
        return self.project(torch.cat(attended) if attended else tokens)

    def _by_head(self, projected: Tensor) -> tuple[Tensor, ...]:
        """Return queries, keys and values (each N × heads × T × D/heads) of their projection (N × T × 3D)."""
        return projected.view(*projected.shape[:2], 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind()

    def _standard(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        if self.fused_attn and not self.training:
            return F.scaled_dot_product_attention(query, key, value)
        return self._weights(query, key).softmax(3) @ value

    def _weights(self, query: Tensor, key: Tensor) -> Tensor:
        return query @ key.transpose(2, 3) * key.shape[3] ** -0.5


class AttentionBranch(nn.Module):
    """From F_cnn to F_att: patch embedding, positions, normalisation, masked self-attention (steps 3 and 5).

    In training ``gather`` computes every token, under the same mask, so dropped ones tell the mask what they would
    have been worth (as in Rao et al. 2021, arXiv:2106.02034); afterwards it computes the kept tokens only, from their
    patch on. ``plain`` as at the top of this file.
    """

    def __init__(self, width: int, patch: int, plain: bool, attention: MaskedSelfAttention) -> None:
        super().__init__()
        self.patch, self.plain = patch, plain
        self.embed = nn.Linear(patch * patch * width, width)
        self.norm = nn.Identity() if plain else nn.LayerNorm(width)
        self.attention = attention

    def forward(self, features: Tensor, mask: Tensor | None) -> Tensor:
        """Return F_att (N × D × rows × columns) of F_cnn (N × D × H × W, in whole patches) under its mask (N × T)."""
        n, width, height, breadth = features.shape
        rows, columns = height // self.patch, breadth // self.patch
        strips = features.permute(0, 2, 3, 1).reshape(n * rows, self.patch, columns, -1)
        place = None if self.plain else positions(width, rows, columns, features.device).flatten(2).transpose(1, 2)
        if self.attention.form == "gather" and not self.training:
            attended = self._gathered(strips, mask.bool(), place)
        else:
            patches = strips.transpose(1, 2).reshape(n, rows * columns, -1)
            attended = self.attention(self._embedded(patches, place), mask)
        return attended.transpose(1, 2).reshape(n, width, rows, columns)

    def _embedded(self, patches: Tensor, place: Tensor | None) -> Tensor:
        tokens = self.embed(patches)
        return self.norm(tokens if place is None else tokens + place)

    def _gathered(self, strips: Tensor, kept: Tensor, place: Tensor | None) -> Tensor:
        """Return F_att (N × T × D), computed from the kept patches (``kept``, bool, N × T) alone; 0 for the others.

        ``strips`` contains the rows of patches: (N · rows) × patch × columns × (patch · D).
        """
        n, count = kept.shape
        columns = strips.shape[2]
        index = kept.flatten().nonzero().squeeze(1)
        counts = [len(index)] if n == 1 else kept.sum(1).tolist()
        if place is not None:
            place = place[0].index_select(0, index if n == 1 else index % count)
        patches = strips[index // columns, :, index % columns].flatten(1)
        tokens = self._embedded(patches, place)
        attended = self.attention.among(tokens, counts)
        nothing = attended.new_zeros(n * count, attended.shape[1])
        return nothing.index_copy(0, index, attended).view(n, count, -1)


def masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Return the softmax of scores (… × T) over the keys that ``mask`` (… × T, zeros and ones) keeps; 0 for the others.

    The mask gets a gradient for dropped keys too, as if their scores were at most the largest kept one.
    """
    largest = scores.masked_fill(mask == 0, -torch.inf).amax(3, keepdim=True)
    largest = largest.masked_fill(largest.isinf(), 0.0).detach()  # where nothing is kept
    weights = (scores - largest).clamp(max=0.0).exp() * mask
    return weights / weights.sum(3, keepdim=True).clamp(min=1e-6)


class Fusion(nn.Module):
    """F_fusion = α F_cnn + (1 − α) F_att (step 6), all of them N × D × rows × columns.

    ``masked`` says that F_att is 0 where the mask drops a position, so ``dropped`` ``cnn`` must not mask it again:
    the mask's gradient would count it twice.
    """

    def __init__(self, width: int, alpha: str, dropped: str, masked: bool) -> None:
        super().__init__()
        self.how, self.dropped, self.masked = alpha, dropped, masked
        if alpha in ("scalar", "channel"):
            self.logit = nn.Parameter(torch.zeros(width if alpha == "channel" else 1))
        elif alpha == "free":
            self.value = nn.Parameter(torch.full((1,), 0.5))

    def alpha(self) -> Tensor | float:
        """Return α, one number or one a channel (D)."""
        if self.how in ("scalar", "channel"):
            return self.logit.sigmoid()
        return self.value if self.how == "free" else float(self.how == "one")

    def forward(self, local: Tensor, attended: Tensor | None, mask: Tensor | None) -> Tensor:
        """Fuse F_cnn and F_att; ``mask`` is N × 1 × rows × columns, or None where every position is kept."""
        if attended is None:
            return local.clone()
        alpha = self.alpha()
        alpha = alpha.view(-1, 1, 1) if isinstance(alpha, Tensor) else alpha
        if mask is None or self.dropped == "fused":
            return alpha * local + (1 - alpha) * attended
        attended = attended if self.masked else mask * attended
        return local + (1 - alpha) * (attended - mask * local)


class EMANet(nn.Module):
    """Maps images (N × in_chans × H × W) to logits (N × num_classes).

    Without ``attention`` the fusion gets F_cnn alone; without ``mask`` every token is kept. With ``lesion`` the mask is
    one more channel of the images: where the lesion is (0 or 1).
    """

    last_feature_map = "fusion"

    def __init__(
        self,
        num_classes: int,
        in_chans: int,
        width: int,
        patch: int,
        dropout: float,
        mask: Mask | None,
        lesion: bool,
        attention: AttentionBranch | None,
        fusion: Fusion,
    ) -> None:
        super().__init__()
        self.patch, self.token_size, self.lesion = patch, STRIDE * patch, lesion
        self.extractor = nn.Sequential(
            convolution(in_chans, width // 4),
            separable(width // 4, width // 2, 2),
            separable(width // 2, width // 2),
            separable(width // 2, width, 2),
            separable(width, width),
            separable(width, width),
        )
        self.mask = mask
        self.attention = attention
        self.fusion = fusion
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, num_classes))

    def forward(self, images: Tensor) -> Tensor:
        """Return logits."""
        features, local, mask = self._seen(images)
        if self.attention is None:
            return self.head(self.fusion(local, None, None).mean((2, 3)))
        grid = None if mask is None else mask.view(len(images), 1, *local.shape[2:])
        return self.head(self.fusion(local, self.attention(features, mask), grid).mean((2, 3)))

    def masks(self, images: Tensor) -> Tensor | None:
        """Return the tokens that are kept (bool, N × rows × columns); None if none is ever dropped."""
        _, local, mask = self._seen(images)
        return None if mask is None else mask.view(len(images), *local.shape[2:]) > 0.5

    def _seen(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return F_cnn padded to whole patches, its mean over each patch (N × D × rows × columns), and the mask."""
        features = _padded(self.extractor(images[:, :-1] if self.lesion else images), self.patch)
        local = F.avg_pool2d(features, self.patch)
        if self.lesion:
            kept = F.max_pool2d(_padded(images[:, -1:], self.token_size), self.token_size) > 0.5
            return features, local, kept.flatten(1).to(features.dtype)
        return features, local, None if self.mask is None else self.mask(local.flatten(2).transpose(1, 2))

    @torch.no_grad()
    def keep(self, images: Tensor, share: float) -> None:
        """Move the threshold so that ``share`` (0 to 1) of all tokens of some images is kept, one at least.

        A threshold decides by trained features; this sets what it costs apart from them. A mask of another kind keeps
        what it keeps.
        """
        if self.mask is None or self.mask.selection != "threshold":
            return
        _, local, _ = self._seen(images)
        kept = 1 - share if self.mask.source == "inverted" else share
        scores = self.mask.scores(local.flatten(2).transpose(1, 2)).flatten().sort(descending=True).values
        self.mask.threshold = float(scores[max(1, round(kept * len(scores))) - 1])


def _padded(maps: Tensor, side: int) -> Tensor:
    missing = -maps.shape[3] % side, -maps.shape[2] % side
    return F.pad(maps, (0, missing[0], 0, missing[1])) if any(missing) else maps


@registered
def emanet(
    num_classes: int = 2,
    in_chans: int = 1,
    img_size: int = 64,
    form: str = "gather",
    selection: str = "threshold",
    threshold: float = 0.5,
    share: float = 0.5,
    mask: str = "learned",
    dropped: str = "cnn",
    alpha: str = "scalar",
    width: int = 128,
    heads: int = 4,
    patch: int = 2,
    dropout: float = 0.2,
    plain: bool = False,
) -> nn.Module:
    """Build the strongest faithful reading; it takes images of 16 px and more, so ``img_size`` changes nothing.

    The options stand at the top of this file; ValueError names a wrong one.
    """
    for name, value, known in (
        ("form", form, FORMS),
        ("selection", selection, SELECTIONS),
        ("mask", mask, MASKS),
        ("dropped", dropped, DROPPED),
        ("alpha", alpha, ALPHAS),
    ):
        _require(value in known, name, value, f"be one of {', '.join(known)}")
    _require(0 < threshold < 1, "threshold", threshold, "lie within 0 and 1")
    _require(0 < share <= 1, "share", share, "be above 0 and at most 1")
    _require(patch >= 1, "patch", patch, "be 1 or more")
    _require(width % 4 == 0, "width", width, "be a multiple of 4")
    _require(heads >= 1 and width % heads == 0, "heads", heads, f"divide the width, {width}")
    attends = alpha != "one"
    masked = attends and form != "none"
    return EMANet(
        num_classes,
        in_chans,
        width,
        patch,
        dropout,
        mask=Mask(width, mask, selection, threshold, share) if masked and mask != "lesion" else None,
        lesion=mask == "lesion",
        attention=AttentionBranch(width, patch, plain, MaskedSelfAttention(width, heads, form, project=not plain))
        if attends
        else None,
        fusion=Fusion(width, alpha, dropped, masked=form in ("gather", "output")),
    )


def _require(holds: bool, name: str, value: str | float, right: str) -> None:
    if not holds:
        raise ValueError(f"{name} is {value!r}; it must {right}")
