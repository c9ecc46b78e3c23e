@testable import Diffusion
@testable import Evaluation
@testable import TensorEngine

/// Configurations of checkpoints and evaluators.
enum ModelInput {
  private static let folder: ScratchFolder = {
    let folder = ScratchFolder("checkpoint")
    for part in ["unet", "vae", "text_encoder", "text_encoder_2", "scheduler", "tokenizer"] {
      folder.makeFolder(part)
    }
    return folder
  }()
  private static let evaluators = ScratchFolder("evaluator")
  private static let files = ScratchFolder("configuration")

  /// A folder in diffusers' layout, its files one after the other with NUL bytes between them.
  static func checkpoint(_ input: [UInt8]) throws {
    folder.write(
      parts: input,
      as: [
        "unet/config.json", "vae/config.json", "text_encoder/config.json",
        "scheduler/scheduler_config.json", "model_index.json", "tokenizer/tokenizer_config.json",
        "guidance.json", "text_encoder_2/config.json",
      ])
    _ = try Checkpoint(folder.path)
  }

  /// One document in the place of every configuration, and a scheduler by it.
  static func configuration(_ input: [UInt8]) throws {
    let json = try StrictJSON.read(path: files.write(input, "config.json"))
    _ = try? UNetConfiguration(json)
    _ = try? VAEConfiguration(json)
    _ = try? TextConfiguration(json)
    _ = try? BERTConfiguration(json, contextWidth: 8)
    let kinds = SchedulerKind.allCases
    let kind = kinds[input.reduce(0) { $0 + Int($1) } % kinds.count]
    if let configuration = try? SchedulerConfiguration(json, for: kind) {
      _ = try? configuration.scheduler(steps: 3, eta: 0)
    }
    _ = try UNetConfiguration(json)
  }

  /// `config.json` of an evaluator and `preprocessor_config.json`, with a NUL byte between them.
  static func evaluator(_ input: [UInt8]) throws {
    evaluators.write(parts: input, as: ["config.json", "preprocessor_config.json"])
    if let json = try? StrictJSON.read(path: evaluators.path + "/config.json") {
      _ = try? OpenCLIPConfiguration(json)
    }
    let folder = try EvaluatorFolder(evaluators.path)
    _ = try? PicturePreprocessing(folder: folder)
    for name in ["vision_config", "text_config"] {
      guard let section = try? folder.section(name) else { continue }
      _ = try? VisionConfiguration(section, VisionConfiguration.Defaults())
      _ = try? TextConfiguration(section)
      _ = try? BERTConfiguration(section, contextWidth: 8)
    }
    _ = try PicturePreprocessing(folder: folder)
  }

  static func originalConfiguration(_ input: [UInt8]) throws {
    let configuration = try OriginalConfiguration(path: files.write(input, "model.yaml"))
    _ = try? configuration.unet()
    _ = try? configuration.vae()
    _ = try? configuration.text(layers: 12)
    _ = try? configuration.prediction()
    _ = try configuration.schedule()
  }
}
