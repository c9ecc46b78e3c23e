"""Stands for the scorers of other benchmarks: finds pictures as their scripts do, and writes results as they do.

python3 score_like_the_tools.py LAYOUT FOLDER

What a scorer would make of a picture is replaced by a number that its bytes alone decide, so that a score which
lands on another picture shows. Prints a JSON list of what was found: prompt, model if the layout has one, and that
number. Needs Python's standard library only. Follows, in how names are read:

  attend-and-excite  metrics/compute_clip_similarity.py, blip_captioning_and_clip_similarity.py
  t2i-compbench      BLIPvqa_eval/BLIP_vqa.py
  geneval            evaluation/evaluate_images.py
  geneval2           evaluation.py
  tifa               tifascore/tifa_score.py
  dsg                dsg/data_utils.py, dsg/vqa_utils.py
  visor              visor.py
  syngen             automatic_evaluation.py
"""

import csv
import json
import os
import re
import sys
from pathlib import Path


def number(path):
    data = Path(path).read_bytes()
    assert data.startswith(b"\x89PNG")
    return sum((i % 251 + 1) * b for i, b in enumerate(data)) % 10007 / 10007


def write(path, value):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(json.dumps(value))


def attend_and_excite(folder):
    root = folder / "outputs"
    pictures = sorted(p for p in root.rglob("*") if p.suffix in (".png", ".jpg"))
    clip, blip, found = {}, {}, []
    for path in pictures:
        prompt = path.parent.name
        score = number(path)
        found.append([prompt, None, score])
        captions = blip.setdefault(prompt, {"captions": [], "image_names": [], "text_similarities": []})
        captions["captions"].append(f"a picture called {path.stem}")
        captions["image_names"].append(path.name)
        captions["text_similarities"].append(score)
        if " and " not in prompt and " with " not in prompt:
            continue
        parts = prompt.split(" and ") if " and " in prompt else prompt.split(" with ")
        assert len(parts) >= 2
        entry = clip.setdefault(prompt, {"full_text": [], "first_half": [], "second_half": [], "image_names": []})
        entry["full_text"].append(score)
        entry["first_half"].append(score / 2)
        entry["second_half"].append(score / 4)
        entry["image_names"].append(path.name)
    counts = {len(entry["image_names"]) for entry in clip.values()}
    assert len(counts) == 1, "the aggregate needs equal counts"
    write(folder / "metrics/clip_raw_metrics.json", clip)
    write(folder / "metrics/blip_raw_metrics.json", blip)
    return found


def t2i_compbench(folder):
    names = sorted(os.listdir(folder / "samples"), key=lambda name: int(name.split("_")[-1].split(".")[0]))
    found, answers = [], []
    for position, name in enumerate(names):
        assert int(name.split("_")[-1].split(".")[0]) == position, "no gaps"
        assert re.fullmatch(r"\d{6}\.png", name.split("_")[-1])
        score = number(folder / "samples" / name)
        found.append([name.split("_")[0], None, score])
        answers.append({"question_id": position, "answer": "{:.4f}".format(score)})
    write(folder / "annotation_blip/vqa_result.json", answers)
    write(folder / "annotation_clip/vqa_result.json",
          [{"question_id": a["question_id"], "answer": f[2]} for a, f in zip(answers, found)])
    return found


def geneval(folder):
    root = folder / "images"
    found, lines = [], []
    for subfolder in os.listdir(root):
        if not (root / subfolder).is_dir() or not subfolder.isdigit():
            continue
        metadata = json.loads((root / subfolder / "metadata.jsonl").read_text())
        for name in os.listdir(root / subfolder / "samples"):
            if not re.match(r"\d+\.png", name):
                continue
            path = root / subfolder / "samples" / name
            score = number(path)
            found.append([metadata["prompt"], None, score])
            for item in metadata["include"]:
                assert item["count"] >= 1
                if "position" in item:
                    assert metadata["include"][item["position"][1]]["class"]
            boxes = {metadata["include"][0]["class"]: [[8.0, 16.0, 32.0, 64.0, 0.5], [0.0, 0.0, 8.0, 8.0, 0.4]]}
            lines.append(json.dumps({
                "filename": str(path), "tag": metadata["tag"], "prompt": metadata["prompt"],
                "correct": score >= 0.5, "reason": "", "metadata": json.dumps(metadata), "details": json.dumps(boxes)}))
    (folder / "results.jsonl").write_text("\n".join(lines))
    return found


def geneval2(folder):
    os.chdir(folder)
    pictures = json.load(open("image_filepaths.json"))
    found, results = [], []
    for line in open("geneval2_data.jsonl").readlines():
        entry = json.loads(line)
        score = number(pictures[entry["prompt"]])
        found.append([entry["prompt"], None, score])
        results.append([score ** (k + 1) for k in range(len(entry["vqa_list"]))])
    write("results.json", results)
    write("vqascore.json", [[row[0]] for row in results])
    return found


def tifa(folder):
    pictures = json.loads((folder / "images.json").read_text())
    questions = json.loads((folder / "question_answers.json").read_text())
    found, captions, details = [], {}, {}
    for question in questions:
        identifier = question["id"]
        score = number(folder / pictures[identifier])
        if identifier not in captions:
            found.append([question["caption"], None, score])
        captions[identifier] = score
        details.setdefault(identifier, {})[question["question"]] = {**question, "scores": 1}
    write(folder / "results.json", {
        "tifa_average": sum(captions.values()) / len(captions), "tifa_stdev": 0.1, "accuracy_by_type": {},
        "question_details": details, "caption_scores": captions})
    return found


def dsg(folder):
    found = []
    with open(folder / "dsg-1k-anns.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    models = {name.rsplit(".", 1)[0].split(row["item_id"] + "_", 1)[1]
              for name in os.listdir(folder / "images") for row in rows if name.startswith(row["item_id"] + "_")}
    with open(folder / "answers.csv", "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["dsg_prompt_split", "qg_model", "t2i_model", "item_id", "question", "question_id",
                      "dependency_id", "answer"])
        for model in sorted(models):
            seen = set()
            for row in rows:
                score = number(folder / "images" / f"{row['item_id']}_{model}.jpg")
                if row["item_id"] not in seen:
                    found.append([row["text"], model, score])
                seen.add(row["item_id"])
                yes = round(score * 10007) >> int(row["proposition_id"]) & 1
                out.writerow(["demo", "dsg", model, row["item_id"], row["question_natural_language"],
                              row["proposition_id"], row["dependency"], "yes" if yes else "no"])
    return found


def visor(folder):
    phrases = json.loads((folder / "text_spatial_rel_phrases.json").read_text())
    found = []
    for model in sorted(os.listdir(folder / "images")):
        results = {}
        for index, phrase in enumerate(phrases):
            assert phrase["unique_id"] == index and len(phrase["obj_1_attributes"]) == 1
            assert phrase["rel_type"] in ("to the left of", "to the right of", "above", "below", "and", "single")
            k = 0
            while (folder / "images" / model / f"{index}_{k}.png").exists():
                score = number(folder / "images" / model / f"{index}_{k}.png")
                found.append([phrase["text"], model, score])
                hits = round(score * 10007)
                results[f"{index}_{k}"] = {"classes": [], "centroid": [], "recall": hits % 3, "sra": hits % 2,
                                           "text": phrase["text"]}
                k += 1
            assert k > 0
        write(folder / f"results_{model}_text_spatial_rel_phrases_owlvit_0.1.json", results)
    return found


def syngen(folder):
    with open(folder / "captions.csv", newline="") as file:
        captions = [row["caption"].replace("'", " ") for row in csv.DictReader(file)]
    root = folder / "images"
    folders = {name.replace("'", " ").replace("_", " "): name for name in os.listdir(root)}
    matched = [caption for caption in captions if caption in folders]
    assert len(matched) == len(captions) == len(folders)
    found, models = [], None
    for caption in matched:
        names = os.listdir(root / folders[caption])
        here = {name.split("_")[0] for name in names}
        assert models in (None, here), "the same models in each folder"
        models = here
        for name in names:
            assert re.fullmatch(r"[^_]+_\d+\.jpg", name)
            found.append([caption, name.split("_")[0], number(root / folders[caption] / name)])
    return found


layout, place = sys.argv[1], Path(sys.argv[2])
print(json.dumps(globals()[layout.replace("-", "_")](place)))
