internal import Diffusion
package import Pictures
package import TensorEngine

/// How a picture of any size becomes what an evaluator's vision transformer reads.
///
/// Resizing is Pillow's on 8-bit samples, but for OWLv2, whose processor resizes floats as SciPy does.
///
/// - Reference: transformers `image_processing_backends.py`, `PilBackend`, and
///   `models/owlv2/image_processing_pil_owlv2.py`.
package struct PicturePreprocessing: Sendable, Equatable {
  /// How a picture is brought to the evaluator's size.
  package enum Fit: Sendable, Equatable {
    /// The shorter side fits, and the middle is cut out: CLIP.
    case cropped(shorterSide: Int, rounding: CropRounding)
    /// All of it is kept, and its aspect ratio changes: OWL-ViT and BLIP.
    case squashed
    /// It is continued in black to a square, at the right or at the bottom: OWLv2.
    ///
    /// transformers padded with grey until version 5; black is what the authors trained with
    /// (transformers pull request 41938).
    case padded
  }

  /// Where the part that is cut out begins when half a pixel is left over.
  package enum CropRounding: Sendable, Equatable {
    /// At the pixel before: transformers.
    case down
    /// At the even one of both pixels: torchvision, and so OpenCLIP.
    case toEven
  }

  /// How it is brought to ``width`` and ``height``.
  package let fit: Fit
  /// Pixels of what the evaluator reads.
  package let width, height: Int
  let filter: PillowResampling.Filter
  /// What an 8-bit sample is multiplied with.
  let scale: Double
  /// By channel.
  let mean, deviation: [Double]

  /// The most that one side may be of the other; a picture of one row would be stretched to gigabytes.
  private static let largestRatio = 64

  /// Refuses a picture that no evaluator reads.
  /// - Throws: ``EvaluationError/pictureShape(width:height:)`` for one too narrow.
  static func requireShape(_ picture: Picture) throws {
    let sides = [picture.width, picture.height].sorted()
    guard sides[1] <= largestRatio * sides[0] else {
      throw EvaluationError.pictureShape(width: picture.width, height: picture.height)
    }
  }

  /// `[1, channel, row, column]` of a picture.
  /// - Throws: ``EvaluationError/pictureShape(width:height:)`` for one too narrow.
  package func callAsFunction(_ picture: Picture) throws -> Tensor {
    try Self.requireShape(picture)
    let planes: Tensor
    switch fit {
    case .squashed: planes = normalized(picture.resized(width: width, height: height, by: filter))
    case .cropped(let side, let rounding):
      let (wide, high) =
        picture.width <= picture.height
        ? (side, side * picture.height / picture.width)
        : (side * picture.width / picture.height, side)
      planes = normalized(
        picture.resized(width: wide, height: high, by: filter).cropped(
          left: rounding.half(wide - width), top: rounding.half(high - height), width: width,
          height: height))
    case .padded:
      let square = picture.planes(scale: scale, mean: [0, 0, 0], deviation: [1, 1, 1])
        .paddedWithZeros(toSide: max(picture.width, picture.height))
      planes = ScipyResampling.resized(square, rows: height, columns: width)
        .normalizedPlanes(mean: mean.map(Float.init), deviation: deviation.map(Float.init))
    }
    return planes.reshaped([1, 3, height, width])
  }

  private func normalized(_ picture: Picture) -> Tensor {
    picture.planes(scale: scale, mean: mean, deviation: deviation)
  }
}

extension PicturePreprocessing.CropRounding {
  /// Half of a number of pixels.
  fileprivate func half(_ pixels: Int) -> Int {
    switch self {
    case .down: pixels / 2
    case .toEven: Int((Double(pixels) / 2).rounded(.toNearestOrEven))
    }
  }
}

// MARK: - Files

extension PicturePreprocessing {
  /// CLIP's mean and standard deviation of pictures, by channel.
  static let clipMean = [0.48145466, 0.4578275, 0.40821073]
  static let clipDeviation = [0.26862954, 0.26130258, 0.27577711]

  /// Reads `preprocessor_config.json` of a folder, or of transformers 5's `processor_config.json` the part
  /// about pictures.
  ///
  /// - Throws: `FileError` for a value of another type, `DiffusionError` for one that Heed does not compute.
  package init(folder: EvaluatorFolder) throws {
    let (json, kind) = (try folder.preprocessor(), folder.kind)
    let config = ConfigurationReader(json)
    for key in ["image_processor_type", "feature_extractor_type"] {
      try config.require(key, among: kind.processors)
    }
    guard try config.bool("do_resize", default: true) else {
      throw DiffusionError.unsupported(
        path: json.file, key: "do_resize", value: "false",
        supported: "evaluators that bring pictures to one size")
    }
    let size = try Self.size(json, "size", isShorterSide: kind == .clip) ?? kind.size
    let crop =
      try kind == .clip && config.bool("do_center_crop", default: true)
      ? Self.size(json, "crop_size", isShorterSide: false) ?? .sides(width: 224, height: 224)
      : nil
    try self.init(
      json, config, fit: kind == .owlv2 ? .padded : .squashed, size: size,
      crop: crop == size ? nil : crop)
    if kind == .owlv2, try !config.bool("do_pad", default: true) {
      throw DiffusionError.unsupported(
        path: json.file, key: "do_pad", value: "false",
        supported: "OWLv2 with pictures padded to squares")
    }
    if kind != .clip, try config.bool("do_center_crop", default: false) {
      throw DiffusionError.unsupported(
        path: json.file, key: "do_center_crop", value: "true",
        supported: "\(kind.title) with whole pictures")
    }
  }

  private init(
    _ json: JSONNode, _ config: ConfigurationReader, fit: Fit, size: Size, crop: Size?
  ) throws {
    switch (size, crop) {
    case (.sides(let width, let height), nil):
      (self.fit, self.width, self.height) = (fit, width, height)
    case (.shorterSide(let side), .sides(let width, let height)?):
      guard max(width, height) <= side else {
        throw DiffusionError.unsupported(
          path: json.file, key: "crop_size", value: "\(width)x\(height)",
          supported: "parts of pictures, here of at most \(side) pixels a side")
      }
      self.fit = .cropped(shorterSide: side, rounding: .down)
      (self.width, self.height) = (width, height)
    default:
      throw DiffusionError.unsupported(
        path: json.file, key: "size",
        value: try json.optionalMember("size")?.value.text ?? "absent",
        supported: "a shorter side with do_center_crop, or width and height without")
    }
    let resample = try json.optionalMember("resample")?.integer() ?? 3
    // OWLv2's processor does not read it.
    guard let filter = Self.filters[resample] ?? (fit == .padded ? .bilinear : nil) else {
      throw DiffusionError.unsupported(
        path: json.file, key: "resample", value: String(resample),
        supported: "1 (Lanczos), 2 (bilinear) and 3 (bicubic)")
    }
    self.filter = filter
    scale =
      try config.bool("do_rescale", default: true)
      ? try config.positive("rescale_factor", default: 1 / 255) : 1
    let isNormalized = try config.bool("do_normalize", default: true)
    mean = isNormalized ? try Self.channels(json, "image_mean") ?? Self.clipMean : [0, 0, 0]
    deviation =
      isNormalized ? try Self.channels(json, "image_std") ?? Self.clipDeviation : [1, 1, 1]
    guard deviation.allSatisfy({ $0 > 0 }) else {
      throw try json.member("image_std").failure("expected three numbers above 0")
    }
  }

  /// Pillow's numbers of filters.
  private static let filters: [Int: PillowResampling.Filter] = [
    1: .lanczos, 2: .bilinear, 3: .bicubic,
  ]

  /// What `size` can say.
  enum Size: Equatable {
    case sides(width: Int, height: Int)
    case shorterSide(Int)
  }

  /// A size in any form that transformers has written: a number, two, or an object.
  private static func size(_ json: JSONNode, _ key: String, isShorterSide: Bool) throws -> Size? {
    guard let node = try json.optionalMember(key) else { return nil }
    func side(_ node: JSONNode) throws -> Int {
      let number = try node.integer()
      guard VisionConfiguration.sides.contains(number) else {
        throw node.failure("expected 1…\(VisionConfiguration.sides.upperBound), got \(number)")
      }
      return number
    }
    switch node.value {
    case .integer:
      return isShorterSide
        ? .shorterSide(try side(node)) : .sides(width: try side(node), height: try side(node))
    case .array:
      let sides = try node.elements().map(side)
      guard sides.count == 2 else { throw node.failure("expected two numbers, got \(sides.count)") }
      return .sides(width: sides[1], height: sides[0])
    default:
      let keys = try node.object().keys.filter { try node.optionalMember($0) != nil }
      switch Set(keys) {
      case ["shortest_edge"]: return .shorterSide(try side(node.member("shortest_edge")))
      case ["height", "width"]:
        return .sides(
          width: try side(node.member("width")), height: try side(node.member("height")))
      default:
        throw node.failure(
          "expected shortest_edge, or height and width, got "
            + keys.map(FileError.quoted).joined(separator: ", "))
      }
    }
  }

  private static func channels(_ json: JSONNode, _ key: String) throws -> [Double]? {
    guard let node = try json.optionalMember(key) else { return nil }
    let numbers = try node.elements().map { try $0.double() }
    guard numbers.count == 3 else {
      throw node.failure("expected three numbers, got \(numbers.count)")
    }
    return numbers
  }

  /// Reads the `preprocess_cfg` of OpenCLIP's `open_clip_config.json`.
  /// - Parameter side: the model's own size, where the part does not say one.
  /// - Throws: as ``init(folder:)``.
  init(openCLIP json: JSONNode?, side: Int) throws {
    (width, height) = (side, side)
    fit = .cropped(shorterSide: side, rounding: .toEven)
    filter = .bicubic
    scale = 1 / 255
    guard let json else {
      (mean, deviation) = (Self.clipMean, Self.clipDeviation)
      return
    }
    mean = try Self.channels(json, "mean") ?? Self.clipMean
    deviation = try Self.channels(json, "std") ?? Self.clipDeviation
    guard deviation.allSatisfy({ $0 > 0 }) else {
      throw try json.member("std").failure("expected three numbers above 0")
    }
    let config = ConfigurationReader(json)
    try config.require("interpolation", "bicubic")
    try config.require("resize_mode", "shortest")
    try config.require("mode", "RGB")
    if let node = try json.optionalMember("size") {
      let sides: [Int]
      if case .integer(let side) = node.value {
        sides = [side]
      } else {
        sides = try node.integers()
      }
      guard Set(sides) == [side] else {
        throw DiffusionError.unsupported(
          path: json.file, key: "preprocess_cfg.size", value: node.value.text,
          supported: "the model's own size, \(side)")
      }
    }
  }
}
