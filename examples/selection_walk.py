# %% [markdown]
# # A walk through selection
#
# You have 2,000 images of clothes and can pay for 40 labels. Which images should people look at?
# This walk shows how three strategies choose, and why: TypiClust, SUPClust and TrustHerding.
#
# VS Code opens this file as a notebook, and Jupyter does with jupytext. `python selection_walk.py`
# runs it from top to bottom. It needs labelcycle, a clone of the repository, and half a minute.

# %%
import argparse
import csv
import tarfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from scipy.spatial.distance import cdist, pdist
from scipy.special import softmax
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors

from labelcycle import select
from labelcycle.core import clusterers
from labelcycle.nn import encoders, learners

# %% [markdown]
# Figures are shown. Give `--into FOLDER`, or set `INTO` here, to save them as files instead.

# %%
parser = argparse.ArgumentParser(description="A walk through selection on images of clothes.")
parser.add_argument("--into", type=Path, metavar="FOLDER", help="save the figures here")
INTO = parser.parse_known_args()[0].into  # Jupyter adds arguments of its own


def show(figure, title, name):
    figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    if INTO is None:
        plt.show()
        return
    INTO.mkdir(parents=True, exist_ok=True)
    figure.savefig(INTO / f"{name}.png", dpi=100)
    plt.close(figure)


# %% [markdown]
# ## 1. Images and features
#
# The images come with labelcycle. Each shows one of ten kinds of clothes. We set 400 aside at
# random to measure with. The other 1,600 are the pool, and strategies pick from these alone.

# %%
FASHION = Path(globals().get("__file__", "selection_walk.py")).resolve().parent / "fashion"
with (FASHION / "truth.csv").open(newline="") as stream:
    truth = {row["file"]: row["label"] for row in csv.DictReader(stream)}
with tarfile.open(FASHION / "images.tar.xz") as archive:
    read = {m.name: np.array(Image.open(archive.extractfile(m)).convert("RGB")) for m in archive}
names = sorted(set(truth.values()))
every_image = np.stack([read[file] for file in sorted(truth)])
every_class = np.array([names.index(truth[file]) for file in sorted(truth)])

order = np.random.default_rng(0).permutation(len(every_image))
held, pool = order[:400], order[400:]
images, classes = every_image[pool], every_class[pool]
print(f"{len(pool):,} images in the pool, {len(held)} held out, {len(names)} classes")

# %% [markdown]
# A strategy does not see pixels. An encoder turns each image into a row of numbers, its features.
# `patches` learns from the pool which small patterns are common, and needs no labels.

# %%
patches = encoders.get_trainable("patches")
steps = patches.fit(images, patches.Options(), 0, None)


def result_of(training):
    while True:
        try:
            next(training)
        except StopIteration as end:
            return end.value


encoder = result_of(steps)
features, held_features = encoder.embed(images), encoder.embed(every_image[held])
print(f"{features.shape[1]} features an image")

# %% [markdown]
# Only the direction of a row counts, so we bring each to length 1. Then two rows are at most 2
# apart. Here are four images, and on the right of each the seven that are nearest to it.

# %%
unit = features.astype(np.float64)
unit /= np.linalg.norm(unit, axis=1, keepdims=True)


def strip(panels, rows, texts):
    for panel, row, text in zip(panels, rows, texts, strict=True):
        panel.imshow(images[row])
        panel.set(xticks=[], yticks=[])
        panel.set_xlabel(text, fontsize=7.5)
        panel.spines[:].set_visible(False)


figure, lines = plt.subplots(4, 8, figsize=(8.6, 5.4), layout="constrained")
for line, kind in zip(lines, ("Sneaker", "Trouser", "Dress", "Shirt"), strict=True):
    row = np.flatnonzero(classes == names.index(kind))[0]
    distances = np.linalg.norm(unit - unit[row], axis=1)
    near = np.argsort(distances)[:8]
    strip(line, near, [f"{names[classes[r]]}\n{distances[r]:.2f} away" for r in near])
show(figure, "An image (left) and the seven nearest to it", "1-nearest")

# %% [markdown]
# Sneakers lie near sneakers, but coats lie among a shirt's neighbours. No strategy can repair that:
# what the features mix up needs many labels to tell apart.
#
# ## 2. The pool as a map
#
# We cannot draw 128 numbers, but t-SNE lays the images out in two dimensions. Neighbours on the
# map are mostly neighbours in the features. Distances between far groups mean nothing.

# %%
INK, FAINT = "#1f2933", "#b5b5b5"
main = PCA(50, random_state=0).fit_transform(unit)
places = TSNE(init="pca", max_iter=500, random_state=0).fit_transform(main)


def draw_map(panel, title, picks=(), **look):
    points = panel.scatter(*places.T, s=9, linewidths=0, **look)
    panel.set(xticks=[], yticks=[])
    panel.set_title(title, loc="left", fontsize=9.5)
    panel.spines[:].set_color(FAINT)
    for rank, row in enumerate(picks, 1):
        panel.plot(*places[row], "o", color="white", markersize=11, markeredgecolor=INK)
        panel.annotate(f"{rank}", places[row], ha="center", va="center_baseline", fontsize=7)
    return points


figure, panel = plt.subplots(figsize=(7.2, 4.8), layout="constrained")
points = draw_map(panel, "", c=classes, cmap="tab10", alpha=0.75)
marks = points.legend_elements(num=None)[0]
figure.legend(marks, names, loc="outside right center", frameon=False, fontsize=9)
show(figure, "The pool by t-SNE, coloured by true class, which no strategy sees", "2-map")

# %% [markdown]
# ## 3. Clusters
#
# TypiClust and SUPClust group the pool first, into as many clusters as there will be labels. We
# begin with 20 labels, so there are 20 clusters.

# %%
kmeans = clusterers.get("kmeans")


def clustered(count):
    rng = np.random.default_rng(0)
    return kmeans.fit(features, count, rng, kmeans.Options(), True).assignment


clusters = clustered(20)
sizes = np.bincount(clusters)
shares = np.array([np.bincount(classes[clusters == c]).max() / sizes[c] for c in range(20)])
pure = np.count_nonzero(shares >= 0.8)
print(f"{len(sizes)} clusters of {sizes.min()} to {sizes.max()} images")
print(f"{pure} clusters have 4 of 5 images or more in one class")

# %% [markdown]
# On the right are eight random images of some clusters: the two purest and the two most mixed.

# %%
figure = plt.figure(figsize=(11.6, 4.8), layout="constrained")
left, right = figure.subfigures(1, 2, width_ratios=(1, 1.15))
draw_map(left.subplots(), "each colour is a cluster", c=clusters, cmap="tab20", alpha=0.75)
shown = np.argsort(-shares, kind="stable")[[0, 1, -2, -1]]
for line, cluster in zip(right.subplots(4, 8), shown, strict=True):
    own = np.flatnonzero(clusters == cluster)
    some = np.random.default_rng(0).choice(own, 8, replace=False)
    strip(line, some, [names[classes[row]] for row in some])
    line[0].set_ylabel(f"cluster {cluster}\n{sizes[cluster]} images", fontsize=8)
show(figure, "20 clusters by k-means", "3-clusters")

# %% [markdown]
# ## 4. TypiClust: the most typical image of each cluster
#
# An image is typical if its 20 nearest neighbours in the cluster are close. Typicality is one over
# their mean distance. In a cluster with fewer than 40 images, half of them are taken.


# %%
def typicality(rows):
    count = max(1, min(20, len(rows) // 2))
    distances, _ = NearestNeighbors(n_neighbors=count).fit(rows).kneighbors()
    return 1 / distances.mean(axis=1)


typical = np.zeros(len(unit))
for cluster in range(20):
    typical[clusters == cluster] = typicality(unit[clusters == cluster])

typiclust = select(features, None, 20, strategy="typiclust", clusters=clusters)
same = np.allclose(typiclust.why["typicality"], typical[typiclust.rows], rtol=1e-3)
print(f"TypiClust reports the typicality that we computed: {same}")
print(f"TypiClust: {len(set(classes[typiclust.rows]))} of {len(names)} classes in 20 picks")
missed = sorted(set(names) - {names[c] for c in classes[typiclust.rows]})
print(f"TypiClust missed: {', '.join(missed) or 'none'}")

# %% [markdown]
# The picks are numbered in their order: the largest cluster comes first. `picks.why` holds the
# cluster, its size and the typicality of each. The map compares each image with the most typical
# one of its cluster, because clusters differ in how dense they are.

# %%
figure, panel = plt.subplots(figsize=(7.2, 4.8), layout="constrained")
highest = np.array([typical[clusters == c].max() for c in range(20)])
relative = typical / highest[clusters]
points = draw_map(panel, "", picks=typiclust.rows, c=relative, cmap="viridis")
figure.colorbar(points, label="typicality, over the highest of the cluster", shrink=0.8)
show(figure, "TypiClust's 20 picks, and how typical each image is of its cluster", "4-typiclust")

figure, lines = plt.subplots(2, 10, figsize=(10.4, 3.2), layout="constrained")
texts = [
    f"{rank}. {names[classes[row]]}\n{typical[row]:.2f}"
    for rank, row in enumerate(typiclust.rows, 1)
]
strip(lines.flat, typiclust.rows, texts)
show(figure, "TypiClust's picks with their typicality", "4-typiclust-images")

# %% [markdown]
# They are plain examples, as a shop would show them. Two things cost labels. A class that fills
# several clusters is asked for several times. A class that shares its clusters may be missed.
#
# ## 5. SUPClust: typical, but near the other clusters
#
# SUPClust keeps the most typical tenth of each cluster. Of these it picks the image that is nearest
# to the other clusters. Near clusters count most: their weight falls quickly with the distance
# between the two centres.

# %%
centres = np.array([unit[clusters == c].mean(axis=0) for c in range(20)])
apart = cdist(centres, centres)
np.fill_diagonal(apart, np.inf)  # a cluster's own centre has no weight
weights = softmax(-apart / (0.1 * np.median(pdist(centres))), axis=1)
nearness = -(cdist(unit, centres) * weights[clusters]).sum(axis=1)

kept = np.zeros(len(unit), dtype=bool)
for cluster in range(20):
    own = np.flatnonzero(clusters == cluster)
    kept[own[np.argsort(-typical[own])[: int(np.ceil(len(own) / 10))]]] = True

supclust = select(features, None, 20, strategy="supclust", clusters=clusters)
same = np.allclose(supclust.why["boundary"], nearness[supclust.rows], rtol=1e-3)
print(f"SUPClust reports the nearness that we computed: {same}")
print(f"SUPClust's picks among the typical tenth: {np.count_nonzero(kept[supclust.rows])} of 20")
differ = np.flatnonzero(typiclust.rows != supclust.rows)
print(f"SUPClust and TypiClust differ in {len(differ)} of 20 clusters")

# %% [markdown]
# Both take the clusters in the same order, so we can compare them pick by pick. On the left is the
# largest cluster in which they differ. TypiClust's pick is farthest right. SUPClust's pick is the
# highest of the typical tenth.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.7), layout="constrained")
own = clusters == typiclust.why["cluster"][differ[0]]
parts = ("the typical tenth", own & kept, INK), ("the other images", own & ~kept, "#c3c9cf")
for text, part, colour in parts:
    left.plot(typical[part], nearness[part], ".", color=colour, label=text)
left.set(xlabel="typicality", ylabel="nearness to the other clusters")
left.set_title("one cluster: each point is an image", loc="left", fontsize=9.5)
left.spines[["top", "right"]].set_visible(False)
draw_map(right, "the pool: dark is the typical tenth", c=np.where(kept, INK, "#d5dbe1"))
both = ("TypiClust", typiclust, "#0072b2"), ("SUPClust", supclust, "#d55e00")
for name, picks, colour in both:
    look = {"color": colour, "marker": "o", "markersize": 9, "markeredgecolor": "white"}
    first = picks.rows[differ[0]]
    left.plot(typical[first], nearness[first], ls="", label=f"{name}'s pick", **look)
    right.plot(*places[picks.rows[differ]].T, ls="", **look)
left.legend(frameon=False, fontsize=9)
show(figure, "TypiClust (blue) and SUPClust (orange), where they differ", "5-supclust")

# %% [markdown]
# Here are the images where the two differ, ten clusters at most.

# %%
some = differ[:10]
figure, lines = plt.subplots(
    2, len(some), figsize=(1.04 * len(some) + 0.4, 3.3), squeeze=False, layout="constrained"
)
for line, (name, picks, _) in zip(lines, both, strict=True):
    rows = picks.rows[some]
    strip(line, rows, [f"{names[classes[r]]}\n{typical[r]:.2f}, {nearness[r]:.2f}" for r in rows])
    line[0].set_ylabel(name, fontsize=9)
show(figure, "The same clusters: class, typicality, nearness", "5-supclust-images")

# %% [markdown]
# ## 6. TrustHerding: with labels, cover the pool and ask about doubts
#
# Let people label TypiClust's 20 picks. A model can now learn from them, and TrustHerding uses it.
#
# It asks two things of each image. Is it far from all labels, so that nothing covers it? And does
# the model waver between two classes there?

# %%
labels = np.full(len(features), -1)
labels[typiclust.rows] = classes[typiclust.rows]
trustherding = select(features, labels, 20, strategy="trustherding", classes=len(names))
why = trustherding.why
trust = why["trust"][0]
before = why["coverage"][0] - why["gain"][0]
print(f"trust {trust:.2f}, weighted coverage {before:.2f} to {why['coverage'][-1]:.2f}")
print(f"TrustHerding: {len(set(classes[trustherding.rows]))} of {len(names)} classes in 20 picks")

# %% [markdown]
# Trust says how far the model's doubts count. It is measured on labels that are held out from the
# model. At 0 all images weigh the same, and only coverage counts. At 1 the model is taken at its
# word.
#
# We compute both again. An image is covered by its nearest label, and less so the farther away
# that is. The doubt is high where the two likeliest classes are close.

# %%
covered = np.exp(-(cdist(unit, unit[typiclust.rows]).min(axis=1) ** 2) / 0.7**2)

linear = learners.get_for_features("linear")
model = linear.fit(features, labels, len(names), linear.Options(), 0)
head = model.head(features)
ranked = np.sort(softmax(trust * (head.hidden @ head.weights + head.bias), axis=1), axis=1)
doubt = 1 - (ranked[:, -1] - ranked[:, -2])
doubt /= doubt[labels < 0].max()
same = np.allclose(why["uncertainty"], doubt[trustherding.rows], rtol=1e-3)
print(f"TrustHerding reports the doubt that we computed: {same}")

# %% [markdown]
# Black squares are the 20 labels. The picks go where many images are dark on the left map and
# bright on the right one. A pick itself may be clear: what counts is the doubt that it covers.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(11.6, 4.4), layout="constrained")
for panel, title, values in ((left, "covered", covered), (right, "doubt", doubt)):
    points = draw_map(panel, title, picks=trustherding.rows, c=values, cmap="viridis")
    panel.plot(*places[typiclust.rows].T, "s", color="black", markersize=5)
    figure.colorbar(points, ax=panel, shrink=0.7)
show(figure, f"TrustHerding's next 20 picks, trust {trust:.2f}", "6-trustherding")

figure, lines = plt.subplots(2, 10, figsize=(10.8, 3.5), layout="constrained")
guesses = model.predict_proba(features).argmax(axis=1)
texts = [
    f"{rank}. {names[classes[r]]}\nguess {names[guesses[r]]}\ndoubt {doubt[r]:.2f}"
    for rank, r in enumerate(trustherding.rows, 1)
]
strip(lines.flat, trustherding.rows, texts)
title = "TrustHerding's picks: true class, the model's guess, its doubt"
show(figure, title, "6-trustherding-images")

# %% [markdown]
# ## 7. Was it worth it?
#
# Each strategy now starts without a label and picks 20 images, then 20 more. A linear model learns
# from the labels. We count how often it is right about the 400 images held out.


# %%
def labelled(rows):
    labels = np.full(len(features), -1)
    labels[rows] = classes[rows]
    return labels


def accuracy(rows):
    model = linear.fit(features, labelled(rows), len(names), linear.Options(), 0)
    return np.mean(model.predict_proba(held_features).argmax(axis=1) == every_class[held])


def two_rounds(strategy):
    rows = np.empty(0, dtype=int)
    for count in (20, 40):
        given = {"classes": len(names), "clusters": clustered(count)}
        picks = select(features, labelled(rows), 20, strategy=strategy, **given)
        rows = np.append(rows, picks.rows)
    return [accuracy(rows[:20]), accuracy(rows)]


found = {name: two_rounds(name) for name in ("typiclust", "supclust", "trustherding")}

# %% [markdown]
# One random draw says little, so we take 20.

# %%
draws = [select(features, None, 40, strategy="random", seed=seed).rows for seed in range(20)]
chance = np.array([[accuracy(rows[:20]), accuracy(rows)] for rows in draws])
mean, spread = chance.mean(axis=0), chance.std(axis=0, ddof=1)
print("share right, of 400         20 labels    40 labels")
print(f"random, mean of 20 draws    {mean[0]:9.3f}    {mean[1]:9.3f}")
print(f"  their standard deviation  {spread[0]:9.3f}    {spread[1]:9.3f}")
for name, scores in found.items():
    print(f"{name:<26}  {scores[0]:9.3f}    {scores[1]:9.3f}")
    beaten = [np.count_nonzero(chance[:, i] < scores[i]) for i in range(2)]
    print(f"  better than               {beaten[0]:3} draws    {beaten[1]:3} draws")

# %% [markdown]
# Each grey point is a random draw, and the black line is their mean.

# %%
figure, panel = plt.subplots(figsize=(6.4, 3.9), layout="constrained")
panel.plot([20, 40], mean, color=INK, label="random, mean of 20")
for i, count in enumerate((20, 40)):
    panel.plot(np.full(20, count), chance[:, i], "o", color=FAINT, markersize=4, zorder=0)
for (name, scores), colour in zip(found.items(), ("#0072b2", "#d55e00", "#009e73"), strict=True):
    panel.plot([20, 40], scores, "o-", color=colour, label=name)
panel.set(xticks=[20, 40], xlabel="labels", ylabel="share right, of 400 held out", xlim=(17, 43))
panel.spines[["top", "right"]].set_visible(False)
figure.legend(loc="outside right center", frameon=False, fontsize=9)
show(figure, "What the labels bring", "7-accuracy")

# %% [markdown]
# When this was written, each of the three was above all 20 draws, at 20 and at 40 labels. So here
# selection was worth it.
#
# It does not say which of the three is best. Each ran once, on one pool, and 400 images tell the
# accuracy to about two points.
#
# `docs/results.md` compares all strategies over many seeds and several data sets, with intervals.
