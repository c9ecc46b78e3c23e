/// 256 colours for the values between the two ends of a scale.
public struct ColorMap: Hashable, Sendable {
  /// The name, as in matplotlib.
  public let name: String
  /// The colours, lowest value first.
  public let colors: [Color]

  private init(name: String, table: [UInt32]) {
    self.name = name
    colors = table.map(Color.init(hex:))
  }

  /// Black over purple to pale yellow; suits maps over pictures.
  public static let magma = ColorMap(name: "magma", table: ColorMapTables.magma)
  /// Dark blue over green to yellow; suits maps on a white background.
  public static let viridis = ColorMap(name: "viridis", table: ColorMapTables.viridis)
  /// Black over red to pale yellow, harsher than magma.
  public static let inferno = ColorMap(name: "inferno", table: ColorMapTables.inferno)
  /// Dark blue over pink to yellow, without black.
  public static let plasma = ColorMap(name: "plasma", table: ColorMapTables.plasma)
  /// Dark blue over grey to yellow, nearly the same to colour-blind readers.
  public static let cividis = ColorMap(name: "cividis", table: ColorMapTables.cividis)
  /// A rainbow, for comparison with figures that use one: its lightness rises and falls.
  public static let turbo = ColorMap(name: "turbo", table: ColorMapTables.turbo)
  /// OpenCV's COLORMAP_JET, for comparison with published figures only: its lightness falls over much
  /// of the scale.
  ///
  /// Straight lines of slope ±4: red rises from 96, green from 32, blue from before the start.
  public static let jet = ColorMap(
    name: "jet",
    table: (0..<256).map { index in
      let parts = [
        min(4 * index - 382, 1148 - 4 * index), min(4 * index - 128, 892 - 4 * index),
        // OpenCV's table ends blue one lower than its line.
        index == 159 ? 1 : min(4 * index + 128, 638 - 4 * index),
      ]
      return parts.reduce(0) { $0 << 8 | UInt32(max(0, min(255, $1))) }
    })
  /// Black to white, for brightness.
  public static let gray = ColorMap(
    name: "gray", table: (0..<256).map { UInt32($0 << 16 | $0 << 8 | $0) })
  /// Dark blue for negative values, the middle grey of pictures for zero, pale yellow for positive ones.
  ///
  /// For scales that are symmetric about zero. Lightness rises from end to end, so that the sign is still
  /// seen in grey print: a loss is darker than no change, a gain lighter by as much. Colour-blind
  /// readers tell blue from yellow.
  public static let difference = ColorMap(
    name: "difference",
    table: (0..<256).map { index in
      let (end, middle) = (index < 128 ? 0x0A2F86 : 0xFFCA3A, 0x828282)
      let share = abs(Double(index) - 127.5) / 127.5
      return UInt32(
        [16, 8, 0].reduce(0) { color, shift in
          let (from, to) = (Double(middle >> shift & 255), Double(end >> shift & 255))
          return color | Int((from + (to - from) * share).rounded()) << shift
        })
    })

  /// The colour maps for values from zero up.
  public static let sequential = [viridis, magma, inferno, plasma, cividis, turbo, jet]

  /// Whether each colour, blended over grey as far as its place in the map, can be told from all others.
  ///
  /// Those of cividis cannot: it goes through grey, so that over grey a fifth of full attention looks like a
  /// third of it, and almost like none.
  package var isTellableOverGrey: Bool { self != .cividis }

  /// What ``init(named:)`` reads, in words.
  package static var expected: String {
    "one of " + sequential.map(\.name).joined(separator: ", ")
  }

  /// The map of that name among ``sequential``; `nil` if there is none.
  public init?(named name: String) {
    guard let map = Self.sequential.first(where: { $0.name == name }) else { return nil }
    self = map
  }

  /// The colour for `fraction`, 0…1 along the scale; values beyond it have the end's colour.
  ///
  /// Each colour covers 1/256 of the scale, as in a colour bar.
  public func color(at fraction: Double) -> Color {
    colors[max(0, min(255, Int(max(0, min(1, fraction)) * 256)))]
  }
}
