internal import Diffusion
private import Foundation
internal import PromptText
package import TensorEngine

/// A folder with an evaluator, as transformers' `save_pretrained` or OpenCLIP leaves it.
package struct EvaluatorFolder: Sendable {
  /// What the evaluators are, by `model_type` in `config.json`.
  package enum Kind: String, CaseIterable, Sendable {
    case clip
    case owlvit
    case owlv2
    case blip

    /// As in "a CLIP model".
    var title: String {
      switch self {
      case .clip: "CLIP"
      case .owlvit: "OWL-ViT"
      case .owlv2: "OWLv2"
      case .blip: "BLIP"
      }
    }

    /// What transformers calls the processors of its pictures, and has called them.
    var processors: [String] {
      let family =
        switch self {
        case .clip: "CLIP"
        case .owlvit: "OwlViT"
        case .owlv2: "Owlv2"
        case .blip: "Blip"
        }
      return ["ImageProcessor", "ImageProcessorFast", "ImageProcessorPil", "FeatureExtractor"].map {
        family + $0
      }
    }

    /// The size of its pictures where the folder does not say one.
    var size: PicturePreprocessing.Size {
      switch self {
      case .clip: .shorterSide(224)
      case .owlvit: .sides(width: 768, height: 768)
      case .owlv2: .sides(width: 960, height: 960)
      case .blip: .sides(width: 384, height: 384)
      }
    }
  }

  /// The folder.
  package let path: String
  /// What is in it.
  package let kind: Kind
  /// The whole `config.json`, or `open_clip_config.json`.
  package let configuration: JSONNode
  /// Whether it is in OpenCLIP's own layout.
  package let isOpenCLIP: Bool

  /// What OpenCLIP calls its configuration.
  private static let openConfiguration = "open_clip_config.json"

  /// Reads what is in the folder at `path`; no weights.
  ///
  /// A folder of both layouts is taken for transformers'.
  /// - Throws: `DiffusionError` when it holds no evaluator that Heed runs, `FileError` when its
  ///   configuration is damaged.
  package init(_ path: String) throws {
    self.path = path
    let own = path + "/config.json"
    let configuration =
      FileManager.default.fileExists(atPath: own) ? try StrictJSON.read(path: own) : nil
    let type = try configuration?.optionalMember("model_type")?.string()
    let open = path + "/" + Self.openConfiguration
    // Beside OpenCLIP's there can be one of timm's, which has no type.
    if type == nil, FileManager.default.fileExists(atPath: open) {
      (self.configuration, kind, isOpenCLIP) = (try StrictJSON.read(path: open), .clip, true)
      return
    }
    guard let configuration else {
      throw DiffusionError.missingFile(
        path: own,
        what:
          "expected the folder of a CLIP, OWL-ViT, OWLv2 or BLIP model as transformers saves it, or "
          + "one with \(Self.openConfiguration)")
    }
    guard let type else {
      throw DiffusionError.wrongFile(
        path: own, what: "not the configuration of an evaluator: it has no model_type",
        advice: "give the folder of a CLIP, OWL-ViT, OWLv2 or BLIP model")
    }
    guard let kind = Kind(rawValue: type) else {
      throw DiffusionError.unsupported(
        path: own, key: "model_type", value: FileError.printable(type),
        supported: "the evaluators " + Kind.allCases.map(\.rawValue).joined(separator: ", "))
    }
    (self.configuration, self.kind, isOpenCLIP) = (configuration, kind, false)
  }

  /// The folder at `path`, which must hold one of some kinds; `nil` for the one that comes with Heed.
  /// - Throws: as ``init(_:)``, and for another kind.
  package init(_ path: String?, orEmbedded name: String, of kinds: [Kind]) throws {
    try self.init(path ?? Self.embedded(name))
    guard kinds.contains(kind) else {
      throw DiffusionError.wrongFile(
        path: self.path, what: "a folder with \(kind.title)",
        advice: "expected \(kinds.map(\.title).joined(separator: " or "))")
    }
  }

  /// Where an evaluator is that comes with Heed: `clip`, `owlvit` or `captioner`.
  package static func embedded(_ name: String) -> String {
    ResourceFolder.evaluation.path + "/Eyes/" + name
  }

  /// Whether a folder holds an evaluator, or says that it does.
  package static func isOne(_ path: String) -> Bool {
    if FileManager.default.fileExists(atPath: path + "/" + openConfiguration) { return true }
    let configuration = try? StrictJSON.read(path: path + "/config.json")
    return (try? configuration?.optionalMember("model_type")?.string()) != nil
  }

  /// What scores are said to be made with: the folder's name, or which of Heed's own it is.
  var title: String {
    let name = URL(fileURLWithPath: path).standardizedFileURL.lastPathComponent
    return path.hasPrefix(Self.embedded("")) ? "Menagerie's \(name)" : name
  }

  /// A part of `config.json`, as `vision_config`, or what OpenAI's older files say in its stead.
  /// - Throws: `FileError` when it is no object, or both say different things.
  func section(_ name: String) throws -> JSONNode {
    let section = try configuration.optionalMember(name)
    guard let older = try configuration.optionalMember(name + "_dict") else {
      let empty = JSONObject(index: NameIndex(), values: [])
      return section ?? JSONNode(.object(empty), file: configuration.file, place: "." + name)
    }
    guard let section else { return older }
    for (key, value) in try older.object() where try section.object()[key] != value {
      throw older.failure(
        "\(FileError.quoted(key)) is \(value.text), but \(name) says "
          + "\(try section.object()[key]?.text ?? "nothing"); expected the same")
    }
    return section
  }

  /// The settings of the folder's picture processor.
  /// - Throws: `DiffusionError` when there are none, `FileError` when they are damaged.
  func preprocessor() throws -> JSONNode {
    let (own, whole) = (path + "/preprocessor_config.json", path + "/processor_config.json")
    if FileManager.default.fileExists(atPath: own) { return try StrictJSON.read(path: own) }
    if FileManager.default.fileExists(atPath: whole),
      let part = try StrictJSON.read(path: whole).optionalMember("image_processor")
    {
      return part
    }
    throw DiffusionError.missingFile(
      path: own, what: "it says how pictures are brought to the evaluator's size")
  }

  /// The folder's weights.
  /// - Throws: `DiffusionError` when there are none, `FileError` when they are damaged.
  func weights() throws -> [SafetensorsFile] {
    if isOpenCLIP {
      for name in ["open_clip_model", "open_clip_pytorch_model"] {
        let file = "\(path)/\(name).safetensors"
        if FileManager.default.fileExists(atPath: file) {
          return [try OfferedFile.safetensors(file)]
        }
      }
    }
    return try WeightFiles(stem: "model", folder: path, layout: "transformers'").paths
      .map(OfferedFile.safetensors)
  }

  /// The folder's CLIP tokenizer, cut at a window; of a folder in OpenCLIP's layout that has none, CLIP's
  /// own.
  /// - Throws: `TextError`, `FileError`.
  func tokenizer(window: Int) throws -> CLIPTokenizer {
    let files = ["tokenizer.json", "vocab.json"].contains {
      FileManager.default.fileExists(atPath: path + "/" + $0)
    }
    let tokenizer =
      isOpenCLIP && !files
      ? try CLIPTokenizer.bundled(padding: "!") : try CLIPTokenizer(folder: path)
    return tokenizer.reading(window)
  }
}
