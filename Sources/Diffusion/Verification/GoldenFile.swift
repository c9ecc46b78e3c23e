internal import AttentionTrace
internal import TensorEngine

/// `golden.json` and `golden.safetensors`: what diffusers computes with a checkpoint.
struct GoldenFile {
  /// A whole run of a pipeline, of which the latent and the picture are kept.
  struct Image {
    let name: String
    let prompt: String
    let tokens: [Int]?
    let seed: UInt64
    let losses: [Double]
  }

  /// What a side of a latent or of an attention grid can be.
  static let sides = 1...4096

  let tensors: SafetensorsFile
  /// Tensor names in the order of the description.
  let names: [String]
  let prompts: [String]
  let tokenIndices: [[Int]]
  let latent: Grid
  let grid: Grid
  let losses: [Double]
  let images: [Image]

  init(folder: String) throws {
    tensors = try SafetensorsFile(path: folder + "/golden.safetensors")
    let json = try StrictJSON.read(path: folder + "/golden.json")
    names = try json.member("tensors").object().keys
    for name in names where tensors.entry(name) == nil {
      throw json.failure("names \(FileError.quoted(name)), which golden.safetensors lacks")
    }
    prompts = try json.member("prompts").strings()
    tokenIndices = try json.member("token_indices").elements().map { try $0.integers() }
    guard tokenIndices.count == prompts.count, !prompts.isEmpty else {
      throw json.failure("expected token indices for each of \(prompts.count) prompts")
    }
    latent = try Self.grid(json.member("latent"))
    grid = try Self.grid(json.member("attention_grid"))
    losses =
      try json.optionalMember("ae_loss_evaluations")?.elements().map { try $0.double() } ?? []
    images = try json.optionalMember("images")?.elements().map(Self.image) ?? []
  }

  private static func grid(_ json: JSONNode) throws -> Grid {
    let sides = try json.integers()
    guard sides.count == 2, sides.allSatisfy(Self.sides.contains) else {
      throw json.failure("expected rows and columns, 1…4096 of each")
    }
    return Grid(rows: sides[0], columns: sides[1])
  }

  private static func image(_ json: JSONNode) throws -> Image {
    let seed = try json.member("seed")
    guard let number = UInt64(exactly: try seed.integer()) else {
      throw seed.failure("expected a seed of 0 or more")
    }
    return Image(
      name: try json.member("name").string(), prompt: try json.member("prompt").string(),
      tokens: try json.optionalMember("token_indices")?.integers(),
      seed: number,
      losses: try json.optionalMember("losses")?.elements().map { try $0.double() } ?? [])
  }
}
