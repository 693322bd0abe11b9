#!/usr/bin/env python3
"""How well the image agent's detectors find things in the labelled photographs: mAP@.5 by pycocotools, and what each threshold costs.

    python3 benches/peers/detection.py [held-out]

Thresholds are chosen with the half that is measured without an argument; the other half only reports. It makes a virtual environment with pycocotools below
the cache folder, fetches the photographs there (agents/tests/data/pictures), builds ours unless `AIMASS` names a program, and asks a node of it with one
detector after the other. What is `difficult` or a crowd is given to pycocotools as a crowd: neither to be found, nor wrong if it is.
"""

import collections
import csv
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("AIMASS_PEERS", pathlib.Path.home() / ".cache" / "aimass-peers"))
TABLES = ROOT / "agents" / "tests" / "data" / "pictures"
DETECTORS = ["ssd-mobilenet-v2", "centernet"]
# Everything that a curve of precision by recall needs.
LEAST = 0.01
THRESHOLDS = [0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8]


def environment():
    """Runs this script again inside the virtual environment."""
    python = CACHE / "detection" / "bin" / "python"
    if sys.prefix == str(python.parents[1]):
        return
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(python.parents[1])], check=True)
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--only-binary=:all:", "pycocotools"], check=True)
    os.execv(str(python), [str(python), __file__, *sys.argv[1:]])


def table(name):
    with open(TABLES / name, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def program():
    built = os.environ.get("AIMASS")
    if built:
        return built
    subprocess.run(["cargo", "build", "--release", "--quiet", "--workspace", "--bin", "aimass"], cwd=ROOT, check=True)
    return pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "aimass"


def found_by(aimass, detector, pictures, folder):
    """What the detector finds in each picture, asked of a node of its own."""
    subprocess.run([aimass, "models", "pull", detector], check=True, stdout=subprocess.DEVNULL)
    with tempfile.TemporaryDirectory() as home:
        config = pathlib.Path(home) / "aimass.toml"
        config.write_text(f'[agents.image]\nmodel = "{detector}"\n')
        common = ["--home", home, "--config", str(config)]
        node = subprocess.Popen([aimass, *common, "start"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            node.stderr.readline()
            found = {}
            for name in pictures:
                ask = [aimass, *common, "ask", "image.detect", str(folder / name), "--set", f"threshold={LEAST}", "--json"]
                answer = subprocess.run(ask, check=True, capture_output=True, text=True)
                found[name] = json.loads(answer.stdout)["objects"]
            return found
        finally:
            node.terminate()
            node.wait()


def width_and_height(corners):
    left, top, right, bottom = (float(edge) for edge in corners)
    return [left, top, right - left, bottom - top]


def coco(pictures, objects):
    """The labels in the form of COCO."""
    import pycocotools.coco
    names = sorted({one["label"] for one in objects})
    annotations = []
    for one in objects:
        box = width_and_height(one[edge] for edge in ("x0", "y0", "x1", "y1"))
        is_passed_over = int(one["difficult"] == "1" or one["crowd"] == "1")
        annotations.append({
            "id": len(annotations) + 1, "image_id": pictures.index(one["picture"]), "category_id": names.index(one["label"]), "bbox": box,
            "area": box[2] * box[3], "iscrowd": is_passed_over,
        })
    truth = pycocotools.coco.COCO()
    truth.dataset = {
        "info": {}, "images": [{"id": number} for number in range(len(pictures))], "annotations": annotations,
        "categories": [{"id": number, "name": name} for number, name in enumerate(names)],
    }
    truth.createIndex()
    return truth, names


def evaluated(truth, names, pictures, found):
    """mAP@.5 and the precision of each class by pycocotools."""
    import numpy
    import pycocotools.cocoeval
    results = [
        {"image_id": pictures.index(name), "category_id": names.index(one["label"]), "bbox": width_and_height(one["box"]), "score": one["score"]}
        for name, objects in found.items() for one in objects if one["label"] in names
    ]
    evaluation = pycocotools.cocoeval.COCOeval(truth, truth.loadRes(results), "bbox")
    evaluation.params.iouThrs = numpy.array([0.5])
    evaluation.evaluate()
    evaluation.accumulate()
    # Thresholds of overlap, recalls, classes, areas (all first), most detections (100 last); -1 where a class has nothing to be found.
    precision = evaluation.eval["precision"][0, :, :, 0, -1]
    by_class = {name: float(precision[:, number].mean()) for number, name in enumerate(names) if precision[0, number] > -1}
    return sum(by_class.values()) / len(by_class), by_class


def overlap(one, other):
    """Intersection over union, and over the first box alone."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0, 0.0
    area = lambda box: (box[2] - box[0]) * (box[3] - box[1])
    common = width * height
    return common / (area(one) + area(other) - common), common / max(area(one), 1e-9)


def at_threshold(objects, found, threshold):
    """How many were found, wrongly told, and missed, at IoU .5; what is passed over counts nowhere."""
    right = wrong = missed = 0
    wrong_ones = collections.Counter()
    for name, told in found.items():
        here = [one for one in objects if one["picture"] == name]
        boxes = [[float(one[edge]) for edge in ("x0", "y0", "x1", "y1")] for one in here]
        counts = [one["difficult"] != "1" and one["crowd"] != "1" for one in here]
        taken = set()
        for one in sorted(told, key=lambda one: -one["score"]):
            if one["score"] < threshold:
                continue
            same = [number for number, labelled in enumerate(here) if labelled["label"] == one["label"]]
            free = [number for number in same if counts[number] and number not in taken and overlap(one["box"], boxes[number])[0] >= 0.5]
            if free:
                taken.add(max(free, key=lambda number: overlap(one["box"], boxes[number])[0]))
                right += 1
            elif not any(max(overlap(one["box"], boxes[number])) >= 0.5 for number in same if not counts[number]):
                wrong += 1
                wrong_ones[f"{one['label']} in {name}"] += 1
        missed += sum(counts) - len(taken)
    return right, wrong, missed, wrong_ones


def main():
    environment()
    half = "1" if "held-out" in sys.argv[1:] else "0"
    folder = CACHE / "labelled-pictures"
    subprocess.run([sys.executable, str(TABLES / "fetch.py"), str(folder)])
    pictures = [one["picture"] for one in table("pictures.tsv") if one["held_out"] == half and (folder / one["picture"]).exists()]
    objects = [one for one in table("objects.tsv") if one["picture"] in pictures]
    truth, names = coco(pictures, objects)
    aimass = program()
    print(f"{len(pictures)} pictures, {'held out' if half == '1' else 'to choose with'}")
    for detector in DETECTORS:
        found = found_by(aimass, detector, pictures, folder)
        (CACHE / "detection" / f"{detector}-{half}.json").write_text(json.dumps(found))
        mean, by_class = evaluated(truth, names, pictures, found)
        print(f"\n{detector}: mAP@.5 {mean:.3f} over {len(by_class)} classes")
        print("  " + ", ".join(f"{name} {value:.2f}" for name, value in sorted(by_class.items(), key=lambda one: -one[1])))
        print("  threshold  precision  recall  wrong")
        for threshold in THRESHOLDS:
            right, wrong, missed, wrong_ones = at_threshold(objects, found, threshold)
            precision, recall = right / max(1, right + wrong), right / max(1, right + missed)
            shown = "" if threshold < 0.5 else "  " + "; ".join(wrong_ones)
            print(f"  {threshold:9.2f}  {precision:9.2f}  {recall:6.2f}  {wrong:5}{shown}")


if __name__ == "__main__":
    main()
