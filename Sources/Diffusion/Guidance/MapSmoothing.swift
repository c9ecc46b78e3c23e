/// The kernel that a subject's map is smoothed with before its largest value is taken.
///
/// - Reference: Chefer et al., Attend-and-Excite, SIGGRAPH 2023, section 4.1; the authors'
///   `utils/gaussian_smoothing.py`.
public struct MapSmoothing: Hashable, Sendable {
  /// Whether maps are smoothed at all.
  public var isOn = true
  /// σ of the kernel, in cells.
  public var sigma = 0.5
  /// The kernel's side, in cells.
  public var kernelSize = 3

  /// The published kernel.
  public init() {}

  /// The kernel as a method's knobs.
  public static let knobs: [Knob<MapSmoothing>] = [
    .toggle("smooth", \.isOn, "Smooth maps before their largest value is taken."),
    .number("sigma", \.sigma, in: 1e-3...1e3, "Sigma of the smoothing kernel, in cells."),
    .integer("kernel-size", \.kernelSize, in: 1...1000, "Side of the smoothing kernel, in cells."),
  ]
}
