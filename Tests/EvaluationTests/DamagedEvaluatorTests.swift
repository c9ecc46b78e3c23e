import Diffusion
import Evaluation
import Foundation
import TensorEngine
import TestSupport
import Testing

/// Folders of evaluators that are not as they should be: one clear line each.
@Suite("Damaged and unknown evaluators")
struct DamagedEvaluatorTests {
  /// A copy of one of the tiny evaluators.
  struct Copy {
    let folder = Result { try TemporaryFolder() }
    let path: String

    init(_ name: String) throws {
      path = try folder.get().path + "/copy"
      try FileManager.default.copyItem(atPath: Evaluators.folder(name), toPath: path)
    }

    func remove(_ file: String) throws {
      try FileManager.default.removeItem(atPath: path + "/" + file)
    }

    func write(_ text: String, to file: String) throws {
      try text.write(toFile: path + "/" + file, atomically: true, encoding: .utf8)
    }

    /// Replaces what stands under a key, which may lie in objects of objects.
    func set(_ keys: [String], _ value: Any?, in file: String) throws {
      let url = URL(fileURLWithPath: path + "/" + file)
      let json = try JSONSerialization.jsonObject(with: Data(contentsOf: url))
      func changed(_ json: Any, _ keys: ArraySlice<String>) -> Any {
        guard let key = keys.first, var object = json as? [String: Any] else { return json }
        object[key] =
          keys.count == 1 ? value : object[key].map { changed($0, keys.dropFirst()) }
        return object
      }
      try JSONSerialization.data(withJSONObject: changed(json, keys[...])).write(to: url)
    }

    /// What opening it says.
    func refusal() -> String {
      do {
        let folder = try EvaluatorFolder(path)
        switch folder.kind {
        case .clip: _ = try CLIPModel(folder)
        default: _ = try OWLViTModel(folder)
        }
        return ""
      } catch { return "\(error)" }
    }
  }

  /// A setting, and what is said of it.
  struct Setting: Sendable, CustomTestStringConvertible {
    let folder: String
    let file: String
    let key: String
    /// As JSON; `nil` to take the key away.
    let value: String?
    let said: String

    init(_ folder: String, _ file: String, _ key: String, _ value: String?, _ said: String) {
      (self.folder, self.file, self.key, self.value, self.said) = (folder, file, key, value, said)
    }

    var testDescription: String { "\(folder) \(key) = \(value ?? "none")" }
  }

  static let settings = [
    Setting(
      "clip-gelu", "config.json", "model_type", "\"siglip\"",
      "model_type is siglip; Heed runs the evaluators clip, owlvit, owlv2, blip"),
    Setting("clip-gelu", "config.json", "model_type", nil, "not the configuration of an evaluator"),
    Setting(
      "clip-gelu", "config.json", "vision_config.hidden_act", "\"gelu_new\"",
      "hidden_act is gelu_new; Heed runs quick_gelu and gelu"),
    Setting("clip-gelu", "config.json", "vision_config.num_channels", "4", "num_channels is 4"),
    Setting(
      "clip-gelu", "config.json", "vision_config.num_attention_heads", "7",
      "hidden_size 40 is not a multiple of 7 heads"),
    Setting(
      "clip-gelu", "config.json", "vision_config.patch_size", "43",
      "patch_size 43 is more than image_size 42"),
    Setting("clip-gelu", "config.json", "vision_config.image_size", "1000000", "expected 1…8192"),
    Setting("clip-gelu", "config.json", "vision_config.image_size", "28", "of another shape"),
    Setting("clip-gelu", "config.json", "vision_config.num_hidden_layers", "4", "16 missing"),
    Setting(
      "clip-gelu", "config.json", "text_config.eos_token_id", "5", "text_config.eos_token_id is 5"),
    Setting("clip-gelu", "config.json", "projection_dim", "21", "of another shape"),
    Setting(
      "clip-sharp", "config.json", "text_config_dict.hidden_size", "24",
      "hidden_size\" is 24, but text_config says 16"),
    Setting("clip-gelu", "preprocessor_config.json", "resample", "5", "resample is 5"),
    Setting("clip-gelu", "preprocessor_config.json", "do_resize", "false", "do_resize is false"),
    Setting("clip-gelu", "preprocessor_config.json", "do_center_crop", "false", "size is"),
    Setting(
      "clip-gelu", "preprocessor_config.json", "size", "{\"longest_edge\": 42}",
      "expected shortest_edge, or height and width, got \"longest_edge\""),
    Setting(
      "clip-gelu", "preprocessor_config.json", "size", "{\"shortest_edge\": 41}",
      "crop_size is 42x42"),
    Setting("clip-gelu", "preprocessor_config.json", "size", "\"large\"", "expected an object"),
    Setting(
      "clip-gelu", "preprocessor_config.json", "crop_size", "44",
      "is 44x44; Heed runs pictures of the model's image_size, 42"),
    Setting(
      "clip-gelu", "preprocessor_config.json", "image_mean", "[0.5, 0.5]",
      "expected three numbers, got 2"),
    Setting(
      "clip-gelu", "preprocessor_config.json", "image_std", "[0.5, 0, 0.5]",
      "expected three numbers above 0"),
    Setting(
      "clip-gelu", "preprocessor_config.json", "image_processor_type", "\"ViTImageProcessor\"",
      "image_processor_type is ViTImageProcessor"),
    Setting(
      "clip-gelu", "preprocessor_config.json", "rescale_factor", "0", "expected a number above 0"),
    Setting("owlvit-tiny", "config.json", "projection_dim", "20", "projection_dim is 20"),
    Setting(
      "owlvit-tiny", "config.json", "text_config.model_type", "\"clip_text_model\"",
      "model_type is clip_text_model"),
    Setting(
      "owlvit-tiny", "preprocessor_config.json", "do_center_crop", "true",
      "OWL-ViT with whole pictures"),
    Setting("owlv2-tiny", "preprocessor_config.json", "do_pad", "false", "do_pad is false"),
    Setting(
      "owlv2-tiny", "config.json", "model_type", "\"owlvit\"", "model_type is owlv2_text_model"),
    Setting(
      "open-clip", "open_clip_config.json", "model_cfg.custom_text", "true", "custom_text is true"),
    Setting(
      "open-clip", "open_clip_config.json", "model_cfg.vision_cfg.timm_model_name", "\"vit\"",
      "model_cfg.vision_cfg.timm_model_name is vit"),
    Setting(
      "open-clip", "open_clip_config.json", "model_cfg.text_cfg.pool_type", "\"last\"",
      "text_cfg.pool_type is last"),
    Setting(
      "open-clip", "open_clip_config.json", "model_cfg.vision_cfg.head_width", "9",
      "width 40 is not a multiple of head_width 9"),
    Setting(
      "open-clip", "open_clip_config.json", "preprocess_cfg.resize_mode", "\"squash\"",
      "resize_mode is squash"),
    Setting(
      "open-clip", "open_clip_config.json", "preprocess_cfg.size", "[64, 42]",
      "preprocess_cfg.size is [64, 42]"),
    Setting("open-clip", "open_clip_config.json", "model_cfg", nil, "expected a key \"model_cfg\""),
  ]

  @Test(
    "A setting that is not run, or is wrong, is told with its file and what would do",
    arguments: settings)
  func refusedSetting(_ setting: Setting) throws {
    let copy = try Copy(setting.folder)
    let value = try setting.value.map {
      try JSONSerialization.jsonObject(with: Data($0.utf8), options: .fragmentsAllowed)
    }
    try copy.set(setting.key.split(separator: ".").map(String.init), value, in: setting.file)
    let said = copy.refusal()
    #expect(said.contains(setting.said), "\(said)")
    #expect(said.contains(copy.path) && !said.contains("\n"), "\(said)")
  }

  @Test(
    "A file that is missing, cut off or of another kind is told",
    arguments: ["clip-sharp", "owlvit-tiny", "open-clip"])
  func files(_ name: String) throws {
    let configuration = name == "open-clip" ? "open_clip_config.json" : "config.json"
    let weights =
      ["open-clip": "open_clip_model", "clip-sharp": "model-00002-of-00003"][name, default: "model"]
      + ".safetensors"
    let damages: [(String, String, (Copy) throws -> Void)] = [
      ("no configuration", "expected the folder of", { try $0.remove(configuration) }),
      ("no JSON", configuration, { try $0.write("{\"a\": ", to: configuration) }),
      ("no weights", weights, { try $0.remove(weights) }),
      (
        "weights cut off", weights,
        { copy in
          let file = try FileHandle(forWritingTo: URL(fileURLWithPath: copy.path + "/" + weights))
          try file.truncate(atOffset: 9000)
          try file.close()
        }
      ),
      ("a web page", "a web page", { try $0.write("<!doctype html><p>", to: weights) }),
      (
        "no tokenizer", name == "open-clip" ? "tokenizer" : "vocab",
        { copy in
          try copy.remove("vocab.json")
          try copy.remove("merges.txt")
        }
      ),
    ]
    for (damage, said, inflict) in damages {
      let copy = try Copy(name)
      try inflict(copy)
      let refusal = copy.refusal()
      if damage == "no tokenizer", name == "open-clip" {
        // CLIP's own takes its place; its ids are beyond the tiny vocabulary, which is said where it is used.
        #expect(refusal.isEmpty)
        let model = try CLIPModel(EvaluatorFolder(copy.path))
        #expect(throws: DiffusionError.self) { try model.vectors(of: ["a cat"]) }
        continue
      }
      #expect(refusal.contains(said) && !refusal.contains("\n"), "\(damage): \(refusal)")
    }
  }

  @Test(
    "A folder without a processor's settings is told; transformers 5's one file for all will do")
  func processor() throws {
    let copy = try Copy("clip-gelu")
    let own = try String(
      contentsOfFile: copy.path + "/preprocessor_config.json", encoding: .utf8)
    try copy.remove("preprocessor_config.json")
    #expect(copy.refusal().contains("preprocessor_config.json: not found"))
    try copy.write(
      "{\"image_processor\": \(own), \"processor_class\": \"CLIPProcessor\"}",
      to: "processor_config.json")
    #expect(copy.refusal() == "")
  }

  @Test("An evaluator of another kind than the one that is asked for is told")
  func otherKind() {
    func said(_ body: () throws -> Void) -> String {
      do { try body() } catch { return "\(error)" }
      return ""
    }
    let (clip, owl) = (Evaluators.folder("clip-gelu"), Evaluators.folder("owlv2-tiny"))
    #expect(
      said { _ = try CLIPScorer(folder: owl) } == "\(owl): a folder with OWLv2; expected CLIP")
    #expect(
      said { _ = try OWLViTDetector(folder: clip) }
        == "\(clip): a folder with CLIP; expected OWL-ViT or OWLv2")
    #expect(
      said { _ = try CLIPScorer(folder: "/nowhere") }.hasPrefix("/nowhere/config.json: not found"))
  }

  @Test("The threshold is the given one, the folder's, or VISOR's; another is refused")
  func threshold() throws {
    let copy = try Copy("owlvit-tiny")
    #expect(try OWLViTDetector(folder: copy.path).threshold == 0.1)
    try copy.write("{\"threshold\": 0.25}", to: "accuracy.json")
    #expect(try OWLViTDetector(folder: copy.path).threshold == 0.25)
    #expect(try OWLViTDetector(folder: copy.path, threshold: 0.5).threshold == 0.5)
    for text in ["{\"threshold\": 1.5}", "{\"threshold\": \"high\"}", "{}", "["] {
      try copy.write(text, to: "accuracy.json")
      #expect(throws: FileError.self) { try OWLViTDetector(folder: copy.path) }
    }
  }

  @Test("A golden file that is not an evaluator's is refused")
  func goldens() throws {
    let copy = try Copy("clip-gelu")
    try copy.remove("golden.safetensors")
    #expect(throws: FileError.self) { try EvaluatorFolder(copy.path).verification() }
    try SafetensorsWriter.write(
      [(name: "picture.0", payload: .float32(Tensor([1, 2, 3], shape: [1, 1, 3])))],
      to: copy.path + "/golden.safetensors")
    #expect(throws: FileError.self) { try EvaluatorFolder(copy.path).verification() }
  }
}
