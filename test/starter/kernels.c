/* Fused elementwise kernels of the CPU trainer (the products go to oneDNN's bf16 gemm).
 * gcc -O3 -march=native -ffast-math -fopenmp -shared -fPIC kernels.c -o kernels.so -lm
 * (a gcc that does not know the CPU: name a set with AVX-512, e.g. -march=cooperlake -mprefer-vector-width=512)
 * bf16 values are uint16_t; N rows (tokens), C channels; the residual stream is f32. */
#include <math.h>
#include <stdint.h>
#include <string.h>
typedef uint16_t bf;
static inline float up(bf x) { union { uint32_t u; float f; } a; a.u = (uint32_t)x << 16; return a.f; }
static inline bf dn(float f) { union { uint32_t u; float f; } a; a.f = f; return (bf)((a.u + 0x7fffu + ((a.u >> 16) & 1)) >> 16); }

/* x += d (if d); y = x * rstd * w */
void norm_fwd(float *x, const bf *d, const float *w, bf *y, float *rstd, long N, long C, float eps) {
#pragma omp parallel for
  for (long i = 0; i < N; i++) {
    float *xi = x + i * C; float s = 0;
    if (d) for (long j = 0; j < C; j++) xi[j] += up(d[i * C + j]);
    for (long j = 0; j < C; j++) s += xi[j] * xi[j];
    float r = 1.f / sqrtf(s / C + eps); rstd[i] = r;
    for (long j = 0; j < C; j++) y[i * C + j] = dn(xi[j] * r * w[j]);
  }
}
/* dx += d(norm); dw is summed; also writes dx in bf16 for the products below it */
void norm_bwd(const bf *dy, const float *x, const float *w, const float *rstd, float *dx, bf *dxb, float *dw, long N, long C) {
  for (long j = 0; j < C; j++) dw[j] = 0;
#pragma omp parallel
  {
    float acc[2048]; memset(acc, 0, sizeof(float) * C);
#pragma omp for
    for (long i = 0; i < N; i++) {
      const float *xi = x + i * C; const bf *g = dy + i * C; float r = rstd[i], s = 0;
      for (long j = 0; j < C; j++) { float t = up(g[j]); s += t * w[j] * xi[j]; acc[j] += t * xi[j] * r; }
      s *= r * r * r / C;
      for (long j = 0; j < C; j++) { float v = dx[i * C + j] + up(g[j]) * w[j] * r - xi[j] * s; dx[i * C + j] = v; dxb[i * C + j] = dn(v); }
    }
#pragma omp critical
    for (long j = 0; j < C; j++) dw[j] += acc[j];
  }
}
void swiglu_fwd(const bf *gu, bf *y, long N, long I) {
#pragma omp parallel for
  for (long i = 0; i < N; i++) for (long j = 0; j < I; j++) {
    float g = up(gu[i * 2 * I + j]), u = up(gu[i * 2 * I + I + j]);
    y[i * I + j] = dn(g / (1.f + expf(-g)) * u);
  }
}
void swiglu_bwd(bf *gu, const bf *dy, long N, long I) {     /* gu becomes its gradient */
#pragma omp parallel for
  for (long i = 0; i < N; i++) for (long j = 0; j < I; j++) {
    float g = up(gu[i * 2 * I + j]), u = up(gu[i * 2 * I + I + j]), d = up(dy[i * I + j]);
    float s = 1.f / (1.f + expf(-g));
    gu[i * 2 * I + j] = dn(d * u * s * (1.f + g * (1.f - s)));
    gu[i * 2 * I + I + j] = dn(d * g * s);
  }
}
/* qkv [B,T,3,H,D] -> q,k,v [B,H,T,D], rope on q and k (half-split); cs: [T,D/2] cos then sin */
void rope_split(const bf *qkv, const float *co, const float *si, bf *q, bf *k, bf *v, long B, long T, long H, long D) {
  long h2 = D / 2;
#pragma omp parallel for
  for (long n = 0; n < B * T; n++) {
    long b = n / T, t = n % T; const float *c = co + t * h2, *s = si + t * h2;
    for (long h = 0; h < H; h++) {
      const bf *p = qkv + n * 3 * H * D + h * D; long o = ((b * H + h) * T + t) * D;
      for (long j = 0; j < h2; j++) { float x = up(p[j]), y = up(p[j + h2]); q[o + j] = dn(x * c[j] - y * s[j]); q[o + j + h2] = dn(y * c[j] + x * s[j]); }
      p += H * D;
      for (long j = 0; j < h2; j++) { float x = up(p[j]), y = up(p[j + h2]); k[o + j] = dn(x * c[j] - y * s[j]); k[o + j + h2] = dn(y * c[j] + x * s[j]); }
      memcpy(v + o, p + H * D, D * sizeof(bf));
    }
  }
}
void rope_merge(const bf *q, const bf *k, const bf *v, const float *co, const float *si, bf *qkv, long B, long T, long H, long D) {
  long h2 = D / 2;                                           /* the transpose of rope_split */
#pragma omp parallel for
  for (long n = 0; n < B * T; n++) {
    long b = n / T, t = n % T; const float *c = co + t * h2, *s = si + t * h2;
    for (long h = 0; h < H; h++) {
      bf *p = qkv + n * 3 * H * D + h * D; long o = ((b * H + h) * T + t) * D;
      for (long j = 0; j < h2; j++) { float x = up(q[o + j]), y = up(q[o + j + h2]); p[j] = dn(x * c[j] + y * s[j]); p[j + h2] = dn(y * c[j] - x * s[j]); }
      p += H * D;
      for (long j = 0; j < h2; j++) { float x = up(k[o + j]), y = up(k[o + j + h2]); p[j] = dn(x * c[j] + y * s[j]); p[j + h2] = dn(y * c[j] - x * s[j]); }
      memcpy(p + H * D, v + o, D * sizeof(bf));
    }
  }
}
/* [B,H,T,D] <-> [B,T,H,D] */
void heads(const bf *a, bf *o, long B, long T, long H, long D, int back) {
#pragma omp parallel for
  for (long n = 0; n < B * T; n++) for (long h = 0; h < H; h++) {
    long x = (((n / T) * H + h) * T + n % T) * D, y = (n * H + h) * D;
    if (back) memcpy(o + x, a + y, D * sizeof(bf)); else memcpy(o + y, a + x, D * sizeof(bf));
  }
}
void softmax_fwd(bf *s, float scale, long R, long T) {       /* causal, in place; R = B*H*T rows */
#pragma omp parallel for
  for (long i = 0; i < R; i++) {
    bf *p = s + i * T; long n = i % T + 1; float m = -1e30f, z = 0, e[4096];
    for (long j = 0; j < n; j++) { float x = up(p[j]); m = x > m ? x : m; }
    for (long j = 0; j < n; j++) { e[j] = expf((up(p[j]) - m) * scale); z += e[j]; }
    z = 1.f / z;
    for (long j = 0; j < n; j++) p[j] = dn(e[j] * z);
    memset(p + n, 0, (T - n) * sizeof(bf));
  }
}
void softmax_bwd(const bf *p, bf *d, float scale, long R, long T) {
#pragma omp parallel for
  for (long i = 0; i < R; i++) {
    long n = i % T + 1; float s = 0; const bf *a = p + i * T; bf *g = d + i * T;
    for (long j = 0; j < n; j++) s += up(a[j]) * up(g[j]);
    for (long j = 0; j < n; j++) g[j] = dn(up(a[j]) * (up(g[j]) - s) * scale);
    memset(g + n, 0, (T - n) * sizeof(bf));
  }
}
/* logits become their gradient times k; returns the summed loss of the rows with target >= 0 */
/* A target is an id, + FLAG where the token `end` does not compete, + 2 * FLAG where the loss weighs `weight`. */
enum { FLAG = 1 << 16 };
double xent(bf *l, const int64_t *targets, float scale, float weight, long end, long N, long V) {
  double tot = 0;
#pragma omp parallel for reduction(+:tot)
  for (long i = 0; i < N; i++) {
    bf *p = l + i * V;
    if (targets[i] < 0) { memset(p, 0, V * sizeof(bf)); continue; }
    long y = targets[i] % FLAG;
    float w = targets[i] & 2 * FLAG ? weight : 1, k = scale * w;
    if (targets[i] & FLAG) p[end] = dn(-1e30f);
    float m = -1e30f, z = 0, t = up(p[y]);
    for (long j = 0; j < V; j++) { float x = up(p[j]); m = x > m ? x : m; }
    for (long j = 0; j < V; j++) z += expf(up(p[j]) - m);
    float q = k / z;
    for (long j = 0; j < V; j++) p[j] = dn(expf(up(p[j]) - m) * q);
    p[y] = dn(expf(t - m) * q - k);
    tot += w * (logf(z) + m - t);
  }
  return tot;
}
void embed_fwd(const float *e, const int64_t *id, float *x, long N, long C) {
#pragma omp parallel for
  for (long i = 0; i < N; i++) memcpy(x + i * C, e + id[i] * C, C * sizeof(float));
}
void embed_bwd(float *g, const int64_t *id, const float *dx, long N, long C) {
  for (long i = 0; i < N; i++) for (long j = 0; j < C; j++) g[id[i] * C + j] += dx[i * C + j];
}
void widen(const bf *a, float *o, long n) {
#pragma omp parallel for
  for (long i = 0; i < n; i++) o[i] = up(a[i]);
}
double sumsq(const float *g, long n) {
  double s = 0;
#pragma omp parallel for reduction(+:s)
  for (long b = 0; b < n; b += 4096) { float t = 0; long e = b + 4096 < n ? b + 4096 : n; for (long i = b; i < e; i++) t += g[i] * g[i]; s += t; }
  return s;
}
/* AdamW on a flat buffer; also refreshes the bf16 copy used by the products */
void adamw(float *p, bf *pb, const float *g, float *m, float *v, long n, float gs, float lr, float b1, float b2, float eps, float wd, float c1, float c2) {
#pragma omp parallel for
  for (long i = 0; i < n; i++) {
    float x = g[i] * gs;
    m[i] = b1 * m[i] + (1 - b1) * x; v[i] = b2 * v[i] + (1 - b2) * x * x;
    p[i] = p[i] * (1 - lr * wd) - lr * (m[i] * c1) / (sqrtf(v[i] * c2) + eps);
    pb[i] = dn(p[i]);
  }
}
