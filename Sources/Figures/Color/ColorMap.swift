/// 256 colours for the values between the two ends of a scale.
public struct ColorMap: Hashable, Sendable {
  /// The name in the literature.
  public let name: String
  /// The colours, lowest value first.
  public let colors: [Color]

  private init(name: String, table: [UInt32]) {
    self.name = name
    colors = table.map(Color.init(hex:))
  }

  /// Black over purple to pale yellow; black is nothing, so it suits maps over pictures.
  public static let magma = ColorMap(name: "magma", table: ColorMapTables.magma)
  /// Dark blue over green to yellow; suits maps on white paper.
  public static let viridis = ColorMap(name: "viridis", table: ColorMapTables.viridis)

  /// The colour for `fraction`, 0…1 along the scale; what lies beyond takes the end's colour.
  ///
  /// Each colour stands for 1/256 of the scale, the same part that it fills in a colour bar.
  public func color(at fraction: Double) -> Color {
    colors[max(0, min(255, Int(max(0, min(1, fraction)) * 256)))]
  }
}
