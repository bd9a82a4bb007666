"""4-bit rules, each a function of values (rows of whole groups) and the importance of each value, or None.

Returns the values that the rounded weights stand for. Scales and minima are f16 unless a rule says otherwise.
"""
import torch

GROUP, SUPER = 32, 256


def f16(x):
    return x.half().float()


def over(a, b):
    """a / b, and 0 where b is 0."""
    return torch.where(b == 0, 0, a / torch.where(b == 0, 1, b))


def rounded(x, scale, minimum, codes=15):
    return over(x - minimum, scale).round_().clamp_(0, codes)


def grouped(rule, length=GROUP):
    """A rule on groups of `length` values."""

    def apply(values, importance):
        x = values.reshape(-1, length)
        return rule(x, None if importance is None else importance.reshape(x.shape)).reshape(values.shape)

    return apply


# Plain rules --------------------------------------------------------------------------------------------------------
@grouped
def q8(x, _):
    scale = f16(x.abs().amax(1, keepdim=True) / 127)
    return over(x, scale).round().clamp(-127, 127) * scale


def extreme(x):
    """The value of largest magnitude, with its sign."""
    return x.gather(1, x.abs().argmax(1, keepdim=True))


@grouped
def q4_0(x, _):
    scale = f16(extreme(x) / -8)
    return (over(x, scale) + 0.5).floor().clamp(-8, 7) * scale


@grouped
def q4_1(x, _):
    low = x.amin(1, keepdim=True)
    scale, low = f16((x.amax(1, keepdim=True) - low) / 15), f16(low)
    return rounded(x, scale, low) * scale + low


# Weighted least squares ---------------------------------------------------------------------------------------------
def weights_of(x, importance):
    """Large values count more; so do inputs that are large, where they are known."""
    square = (x * x).mean(1, keepdim=True)
    return square.sqrt() + x.abs() if importance is None else importance * (square + x * x).sqrt()


def best(x, weight, candidates):
    """The candidate (value, *parameters) of least weighted squared error, group by group."""
    least, chosen = torch.full((len(x), 1), torch.inf), None
    for candidate in candidates:
        error = (weight * (candidate[0] - x).square_()).sum(1, keepdim=True)
        better = error < least
        chosen = candidate if chosen is None else [torch.where(better, a, b) for a, b in zip(candidate, chosen)]
        least = torch.minimum(error, least)
    return chosen


def fit(x, q, weight):
    """Scale and minimum of least weighted squared error for given codes."""
    weighted = weight * q
    w, wq, wx = (f.sum(1, keepdim=True) for f in (weight, weighted, weight * x))
    wqq, wqx = ((weighted * f).sum(1, keepdim=True) for f in (q, x))
    determinant = w * wqq - wq * wq
    return over(w * wqx - wq * wx, determinant), over(wqq * wx - wq * wqx, determinant), over(wqx, wqq)


def symmetric_least_squares(x, importance):
    weight = weights_of(x, importance)

    def candidates():
        for step in range(-3, 4):
            scale = extreme(x) / (-8 - 0.3 * step)
            for _ in range(2):
                q = over(x, scale).round().clamp(-8, 7)
                scale = over((weight * q * x).sum(1, keepdim=True), (weight * q * q).sum(1, keepdim=True))
            scale = f16(scale)
            yield [over(x, scale).round().clamp(-8, 7) * scale]

    return best(x, weight, candidates())[0]


def affine_candidates(x, weight, most=torch.inf):
    """Values, scales and minima (at most `most`) of 7 searches."""
    low, high = x.amin(1, keepdim=True).clamp(max=most), x.amax(1, keepdim=True)
    for step in range(-3, 4):
        scale, minimum = (high - low) / (15 + 0.4 * step), low
        for _ in range(2):
            q = rounded(x, scale, minimum)
            scale, minimum, alone = fit(x, q, weight)
            scale, minimum = torch.where(minimum > most, alone, scale), minimum.clamp(max=most)
        scale, minimum = f16(scale), f16(minimum)
        yield [rounded(x, scale, minimum) * scale + minimum, scale, minimum]


def affine_least_squares(x, importance):
    weight = weights_of(x, importance)
    return best(x, weight, affine_candidates(x, weight))[0]


LEVELS = torch.tensor([-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113.0])  # IQ4_NL's
MIDDLES = (LEVELS[1:] + LEVELS[:-1]) / 2


def level_least_squares(x, importance):
    weight = weights_of(x, importance)

    def candidates():
        for step in range(-3, 4):
            for sign in (-1, 1):
                scale = extreme(x) / (sign * (118 + 5 * step))
                for _ in range(2):
                    q = LEVELS[torch.bucketize(over(x, scale), MIDDLES)]
                    scale = over((weight * q * x).sum(1, keepdim=True), (weight * q * q).sum(1, keepdim=True))
                scale = f16(scale)
                yield [LEVELS[torch.bucketize(over(x, scale), MIDDLES)] * scale]

    return best(x, weight, candidates())[0]


# Q4_K: 8 groups share an f16 factor of their 6-bit scales, and one of their minima, which are not positive ------------
def q4_k(values, importance):
    """The rule of llama.cpp, without and with importance."""
    x = values.reshape(-1, GROUP)
    if importance is None:
        weight = weights_of(x, None)
        start, delta, steps = -1.0, 0.1, 20
    else:
        square = 2 * x.reshape(-1, SUPER).square().mean(1).repeat_interleave(8)[:, None]
        weight = importance.reshape(x.shape) * (square + x * x).sqrt()
        start, delta, steps = -0.9, 0.05, 36
    low, high = x.amin(1, keepdim=True).clamp(max=0), x.amax(1, keepdim=True)
    scale = (high - low) / 15
    minimum = low
    least = (weight * (rounded(x, scale, low) * scale + low - x).square()).sum(1, keepdim=True)
    for step in range(steps + 1):
        q = rounded(x, over(high - minimum, torch.tensor(start + delta * step + 15)), minimum)
        s, m, alone = fit(x, q, weight)
        s, m = torch.where(m > 0, alone, s), m.clamp(max=0)
        error = (weight * (q * s + m - x).square()).sum(1, keepdim=True)
        better = (error < least) & (s > 0)
        scale, minimum = torch.where(better, s, scale), torch.where(better, m, minimum)
        least = torch.where(better, error, least)
    factor = plain_factor if importance is None else searched_factor
    total = weight.sum(1).reshape(-1, 8)
    scale, minimum = factor(scale.reshape(-1, 8), total), -factor(-minimum.reshape(-1, 8), total)
    scale, minimum = scale.reshape(-1, 1), minimum.reshape(-1, 1)
    return (rounded(x, scale, minimum) * scale + minimum).reshape(values.shape)


def plain_factor(v, _):
    most = v.amax(1, keepdim=True)
    return f16(most / 63) * over(v, most / 63).round().clamp(0, 63)


def searched_factor(v, weight):
    """v as whole numbers up to 63 times an f16: several factors are tried, then single numbers moved."""
    most = v.amax(1, keepdim=True)

    def codes():
        for step in sorted(range(-4, 5), key=abs):
            q = over(v, most / (63 + 0.1 * step)).round().clamp(0, 63)
            yield [q * most / (63 + 0.1 * step), q]

    q = best(v, weight, codes())[1]
    vq, qq = (weight * v * q).sum(1), (weight * q * q).sum(1)
    for _ in range(5):
        for i in range(8):
            w, x, old = weight[:, i], v[:, i], q[:, i]
            others_vq, others_qq = vq - w * x * old, qq - w * old * old
            new = over(x * others_qq, others_vq).round().clamp(0, 63)
            new_vq, new_qq = others_vq + w * x * new, others_qq + w * new * new
            better = (others_vq > 0) & (others_qq > 0) & (new_vq * new_vq * qq > vq * vq * new_qq)
            q[:, i] = torch.where(better, new, old)
            vq, qq = torch.where(better, new_vq, vq), torch.where(better, new_qq, qq)
    return f16(over(vq, qq))[:, None] * q


def super_blocks(values, importance, pure=False):
    """Least squares within Q4_K: after the search each group moves its 6-bit numbers, then the factors are fitted."""
    x = values.reshape(-1, GROUP)
    weight = weights_of(x, None if importance is None else importance.reshape(x.shape))
    if pure:
        weight = importance.reshape(x.shape)
    _, scale, minimum = best(x, weight, affine_candidates(x, weight, 0))
    factors = [f16(v.reshape(-1, 8).amax(1) / 63).repeat_interleave(8)[:, None] for v in (scale, -minimum)]
    codes = [over(v, f).round().clamp(0, 63) for v, f in zip((scale, -minimum), factors)]
    value = None
    for _ in range(3):

        def moved():
            for a in (0, -1, 1):
                for b in (0, -1, 1):
                    c = [(codes[0] + a).clamp(0, 63), (codes[1] + b).clamp(0, 63)]
                    s, m = c[0] * factors[0], -c[1] * factors[1]
                    q = rounded(x, s, m)
                    yield [q * s + m, q, *c]

        value, q, *codes = best(x, weight, moved())
        a, b = (q * codes[0]).reshape(-1, SUPER), -codes[1].expand(-1, GROUP).reshape(-1, SUPER)
        w, v = weight.reshape(-1, SUPER), x.reshape(-1, SUPER)
        aa, ab, bb, av, bv = ((w * f).sum(1) for f in (a * a, a * b, b * b, a * v, b * v))
        det = aa * bb - ab * ab
        fitted = [over(av * bb - bv * ab, det), over(bv * aa - av * ab, det)]
        ok = (fitted[0] > 0) & (fitted[1] >= 0)
        factors = [torch.where(ok.repeat_interleave(8)[:, None], f16(new).repeat_interleave(8)[:, None], old)
                   for new, old in zip(fitted, factors)]
    s, m = codes[0] * factors[0], -codes[1] * factors[1]
    return (rounded(x, s, m) * s + m).reshape(values.shape)
