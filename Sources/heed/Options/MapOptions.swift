public import ArgumentParser
public import AttentionAnalysis
public import Figures

/// How maps are drawn; what is not given is the layout's own.
struct MapOptions: ParsableArguments {
  @Option(help: "How a map lies over its picture (mosaic).")
  var overlay: OverlayMode?

  @Option(
    help: ArgumentHelp(
      "viridis, magma, inferno, plasma, cividis; turbo or jet, whose lightness rises and falls (magma).",
      valueName: "map"))
  var colors: String?

  @Option(help: "How values are spread between cells, before they become colours (nearest).")
  var interpolation: Recipe.Interpolation?

  @Option(
    help: ArgumentHelp(
      "shared by all maps; own for each map; or two numbers, as in 0..0.5 (shared).",
      valueName: "range"))
  var scale: String?

  @Flag(help: "Give equal ratios of values equal steps of colour.")
  var log = false

  @Option(
    help: ArgumentHelp(
      "Where contours run, as shares of the scale (0.25,0.5,0.75).", valueName: "shares"))
  var levels: String?

  @Flag(
    help:
      "Exchange the picture's red and blue, as Attend-and-Excite's own figures do; with jet-compat."
  )
  var swapRedBlue = false

  /// The names of the options that were given.
  var given: [String] {
    [
      ("--overlay", overlay != nil), ("--colors", colors != nil),
      ("--interpolation", interpolation != nil), ("--scale", scale != nil), ("--log", log),
      ("--levels", levels != nil), ("--swap-red-blue", swapRedBlue),
    ].filter(\.1).map(\.0)
  }

  func validate() throws { _ = try applied(to: MapStyle()) }

  /// `style` with what the options change.
  func applied(to style: MapStyle) throws -> MapStyle {
    var style = style
    if let overlay { style.overlay = overlay }
    if let colors { style.colors = try Self.colorMap(colors) }
    if let interpolation { style.interpolation = interpolation }
    if let scale { style.range = try Self.range(scale) }
    if log { style.isLogarithmic = true }
    if let levels { style.contours = try Self.levels(levels) }
    if swapRedBlue { style.swapsRedAndBlue = true }
    if levels != nil && style.overlay != .contour {
      throw ValidationError("--levels is for --overlay contour.")
    }
    if swapRedBlue && style.overlay != .jetCompat {
      throw ValidationError("--swap-red-blue is for --overlay jet-compat.")
    }
    return style
  }

  static func colorMap(_ name: String) throws -> ColorMap {
    guard let map = ColorMap.sequential.first(where: { $0.name == name }) else {
      let names = ColorMap.sequential.map(\.name).joined(separator: ", ")
      throw ValidationError("--colors is '\(name)'; expected one of \(names).")
    }
    return map
  }

  /// The range that `text` names: `shared`, `own`, or two numbers.
  static func range(_ text: String) throws -> MapStyle.Range {
    switch text {
    case "shared": return .shared
    case "own": return .own
    default:
      let ends = text.split(separator: "..", omittingEmptySubsequences: false).map { Double($0) }
      guard ends.count == 2, let lower = ends[0], let upper = ends[1], lower < upper,
        lower.isFinite, upper.isFinite
      else {
        throw ValidationError(
          "--scale is '\(text)'; expected shared, own or two numbers, as in 0..0.5.")
      }
      return .fixed(lower: lower, upper: upper)
    }
  }

  private static func levels(_ text: String) throws -> [Double] {
    try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
      guard let level = Double(part), level > 0, level < 1 else {
        throw ValidationError(
          "--levels is '\(text)'; expected shares between 0 and 1, as in 0.25,0.5.")
      }
      return level
    }
  }
}

extension OverlayMode: ExpressibleByArgument {}
extension Recipe.Interpolation: ExpressibleByArgument {}
