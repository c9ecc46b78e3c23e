public import ArgumentParser
public import AttentionAnalysis
internal import Drawing
public import Figures

/// How maps are drawn; without an option, the layout decides.
struct MapOptions: ParsableArguments {
  @Option(help: "How a map is drawn over its picture. (default: alpha)")
  var overlay: OverlayMode?

  @Option(
    help: ArgumentHelp(
      """
      Colour map: viridis, magma, inferno, plasma, cividis; turbo or jet (their lightness is \
      not monotonic). (default: magma)
      """,
      valueName: "map"), completion: .colors)
  var colors: String?

  @Option(
    help: """
      Interpolation of values between cells, before they become colours. (default: bicubic for alpha, \
      dim and contour, otherwise nearest)
      """)
  var interpolation: Recipe.Interpolation?

  @Option(
    help: ArgumentHelp(
      """
      Colour scale: shared by all maps, own for each map, or two numbers, as in 0..0.5. \
      (default: shared)
      """,
      valueName: "range"))
  var scale: String?

  @Flag(help: "Use a logarithmic colour scale.")
  var log = false

  @Option(
    help: ArgumentHelp(
      "Contour levels, as fractions of the scale. (default: 0.25,0.5,0.75)",
      valueName: "fractions"))
  var levels: String?

  @Flag(
    help:
      "Swap the picture's red and blue, as in Attend-and-Excite's own figures; only with jet-compat."
  )
  var swapRedBlue = false

  /// The options that were given.
  var given: Set<SheetOption> {
    let isGiven: [SheetOption: Bool] = [
      .overlay: overlay != nil, .colors: colors != nil, .interpolation: interpolation != nil,
      .scale: scale != nil, .log: log, .levels: levels != nil, .swapRedBlue: swapRedBlue,
    ]
    return Set(isGiven.filter(\.value).keys)
  }

  func validate() throws { _ = try applied(to: MapStyle()) }

  /// `style` with what the options change.
  func applied(to style: MapStyle) throws -> MapStyle {
    var style = style
    if let overlay {
      // What a layout file says of another overlay's cells does not hold for this one.
      if overlay != style.overlay { style.interpolation = nil }
      style.overlay = overlay
    }
    if let interpolation { style.interpolation = interpolation }
    if let colors {
      style.colors = try Self.value(
        ColorMap(named: colors), of: "--colors", colors, expected: ColorMap.expected)
    }
    if let scale {
      style.range = try Self.value(
        MapStyle.Range(scale), of: "--scale", scale, expected: MapStyle.Range.expected)
    }
    if log { style.isLogarithmic = true }
    if let levels {
      style.contours = try Self.value(
        Self.levels(levels), of: "--levels", levels, expected: MapStyle.expectedLevels)
    }
    if swapRedBlue { style.swapsRedAndBlue = true }
    return style
  }

  /// What an option's text was read as.
  private static func value<Value>(
    _ value: Value?, of option: String, _ text: String, expected: String
  ) throws -> Value {
    guard let value else {
      throw ValidationError("\(option) is '\(text)'; expected \(expected).")
    }
    return value
  }

  private static func levels(_ text: String) -> [Double]? {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    let levels = parts.compactMap { Double($0) }
    return levels.count == parts.count && MapStyle.areLevels(levels) ? levels : nil
  }
}

extension OverlayMode: ExpressibleByArgument {}
extension Recipe.Interpolation: ExpressibleByArgument {}
