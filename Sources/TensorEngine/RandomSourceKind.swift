/// The libraries whose random numbers a run can begin with: the same seed gives the same noise.
public enum RandomSourceKind: String, Sendable, Hashable, CaseIterable {
  /// `torch.Generator("cpu")`.
  case torch
  /// `torch.Generator("cuda")`.
  case torchCUDA = "torch-cuda"
  /// `numpy.random.RandomState`.
  case numpy

  /// The seeds it takes.
  public var seeds: ClosedRange<UInt64> {
    self == .numpy ? 0...UInt64(UInt32.max) : 0...UInt64.max
  }

  /// A source that begins as the library's does with `seed`.
  /// - Precondition: `seed` is one of ``seeds``.
  public func make(seed: UInt64) -> any RandomSource {
    guard seeds.contains(seed) else { bug("seed \(seed) for \(rawValue)") }
    return switch self {
    case .torch: TorchRandomSource(seed: seed)
    case .torchCUDA: TorchCUDARandomSource(seed: seed)
    case .numpy: NumpyRandomSource(seed: UInt32(seed))
    }
  }
}
