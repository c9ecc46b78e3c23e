/// What of a run's attention is kept, decided before the first step.
///
/// An empty optional set means "all of them".
public struct RecordingPlan: Hashable, Sendable, Codable {
  /// How numbers are stored.
  public enum Precision: String, Hashable, Sendable, Codable, CaseIterable {
    /// IEEE half: relative error 2⁻¹¹ down to 6.1e-5, then absolute 3e-8.
    case float16
    /// As computed.
    case float32

    /// Bytes a number takes.
    public var bytes: Int { self == .float16 ? 2 : 4 }
  }

  /// Patterns of layers: a glob over site paths (`up*`, `*.attn2`) or a grid (`16x16`).
  ///
  /// A site is kept when any pattern matches. A pattern keeps self-attention only when it says
  /// `attn1`: those maps are pixels by pixels and seldom what `*` meant.
  public var layers: [String]
  /// Heads by index; `nil` keeps all. A head that a layer lacks is passed over.
  public var heads: [Int]?
  /// Tokens by index; `nil` keeps all. Does not apply to self-attention.
  public var tokens: [Int]?
  /// Guidance branches.
  public var branches: Set<Branch>
  /// Phases.
  public var phases: Set<Phase>
  /// Steps by index; `nil` keeps all.
  public var steps: ClosedRange<Int>?
  /// How numbers are stored.
  public var precision: Precision

  /// Describes a plan; see the properties.
  public init(
    layers: [String] = ["*"], heads: [Int]? = nil, tokens: [Int]? = nil,
    branches: Set<Branch> = [.conditional], phases: Set<Phase> = [.denoise],
    steps: ClosedRange<Int>? = nil, precision: Precision = .float16
  ) {
    self.layers = layers
    self.heads = heads
    self.tokens = tokens
    self.branches = branches
    self.phases = phases
    self.steps = steps
    self.precision = precision
  }
}
