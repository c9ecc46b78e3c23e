/// A picture's extents in pixels, written width first, as in `768x512`.
public struct ImageSize: Sendable, Hashable, LosslessStringConvertible {
  /// Pixels from left to right.
  public let width: Int
  /// Pixels from top to bottom.
  public let height: Int

  /// A picture of `width` by `height` pixels.
  public init(width: Int, height: Int) {
    self.width = width
    self.height = height
  }

  /// Reads what ``description`` writes; `nil` for anything but two whole numbers around an `x`.
  public init?(_ description: String) {
    let sides = description.split(separator: "x", omittingEmptySubsequences: false)
    guard sides.count == 2, let width = Int(sides[0]), let height = Int(sides[1]) else {
      return nil
    }
    self.init(width: width, height: height)
  }

  /// As in `768x512`: width first.
  public var description: String { "\(width)x\(height)" }

  /// What a side can be; more would be a typing error, and the numbers of its cells still fit.
  static let sides = 1...16_384

  /// How many latent cells there are, each `factor` pixels on a side.
  /// - Throws: ``DiffusionError/invalidRequest(what:got:expected:)`` when a side is not a multiple of
  ///   `factor`, or beyond all measure.
  func latentGrid(factor: Int) throws -> (rows: Int, columns: Int) {
    guard Self.sides.contains(width), Self.sides.contains(height), width % factor == 0,
      height % factor == 0
    else {
      func nearest(_ side: Int) -> Int {
        let side = min(max(side, factor), Self.sides.upperBound)
        return (side + factor / 2) / factor * factor
      }
      let example = ImageSize(width: nearest(width), height: nearest(height))
      throw DiffusionError.invalidRequest(
        what: "the size", got: description,
        expected: "width x height in multiples of \(factor) pixels, at most "
          + "\(Self.sides.upperBound), as in \(example)")
    }
    return (height / factor, width / factor)
  }
}
