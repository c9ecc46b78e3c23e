/// The corner of a crop in pixels, written as `TOP,LEFT`.
public struct CropCorner: Hashable, Sendable, CustomStringConvertible {
  /// Rows above it.
  public let top: Int
  /// Columns to its left.
  public let left: Int

  /// No crop.
  package static let none = CropCorner(top: 0, left: 0)

  /// A corner by its place.
  public init(top: Int, left: Int) {
    self.top = top
    self.left = left
  }

  /// Reads `TOP,LEFT`, as in `0,128`; `nil` for anything else.
  public init?(_ text: String) {
    let sides = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    guard sides.count == 2, let top = sides[0], let left = sides[1],
      (0...Self.limit).contains(top), (0...Self.limit).contains(left)
    else { return nil }
    self.init(top: top, left: left)
  }

  /// Beyond what any picture has; float32 holds every integer up to it.
  private static let limit = 1 << 20

  /// As on the command line.
  public var description: String { "\(top),\(left)" }
}
