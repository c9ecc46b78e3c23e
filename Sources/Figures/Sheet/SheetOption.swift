internal import Drawing

/// What may be chosen of a panel and of how its maps are drawn: the keys of a sheet file, of which most
/// are options of `heed sheet` too.
package enum SheetOption: String, Sendable, CaseIterable {
  case rows
  case columns
  case words
  case steps
  case frames
  case knob
  case pictures
  case difference
  case measures
  case curves
  case stepsPictures = "steps-pictures"
  case cases
  case recipe
  case overlay
  case colors
  case interpolation
  case scale
  case log
  case levels
  case swapRedBlue = "swap-red-blue"

  /// How maps are drawn.
  static let drawing: [SheetOption] = [
    .overlay, .colors, .interpolation, .scale, .log, .levels, .swapRedBlue,
  ]
}

extension SheetPlan.Kind {
  /// The options that a panel of this kind may have.
  package var options: [SheetOption] {
    switch self {
    case .maps:
      [.rows, .columns, .words, .steps, .frames, .knob, .pictures, .difference, .recipe]
        + SheetOption.drawing
    case .compare: [.curves, .stepsPictures, .recipe] + SheetOption.drawing
    case .matrix: [.words, .recipe, .colors]
    case .curves: [.measures, .recipe]
    case .outcome: [.knob]
    case .neglect: [.cases, .recipe] + SheetOption.drawing
    }
  }
}

extension SheetPlan.Content {
  /// The options that change what this content shows; any other would be ignored.
  package var options: Set<SheetOption> {
    var options = Set(kind.options)
    guard case .maps(let plan) = self else { return options }
    if !plan.facets.contains(.step) { options.remove(.steps) }
    if !plan.facets.contains(.frame) { options.remove(.frames) }
    if !plan.facets.contains(.knob) { options.remove(.knob) }
    // Differences have colours of their own, and two signs.
    if plan.showsDifferences { options.subtract([.colors, .log]) }
    return options
  }
}

extension OverlayMode {
  /// The drawing options that change how maps lie over their pictures; any other would be ignored.
  var options: Set<SheetOption> {
    switch self {
    case .mosaic: [.overlay, .colors, .scale, .log]
    case .cells, .side, .alpha: [.overlay, .colors, .interpolation, .scale, .log]
    case .dim: [.overlay, .interpolation, .scale, .log]
    case .contour: [.overlay, .colors, .interpolation, .scale, .log, .levels]
    case .jetCompat: [.overlay, .swapRedBlue]
    }
  }
}

extension SheetPlan.Panel {
  /// The options that change how the panel looks, drawn in `style` if it has no style of its own.
  package func options(_ style: MapStyle) -> Set<SheetOption> {
    let options = content.options
    guard options.contains(.overlay) else { return options }
    return options.subtracting(SheetOption.drawing)
      .union(options.intersection((maps ?? style).overlay.options))
  }
}
