/// How fast something ran, and how near that is to what the machine can do.
package struct EngineSpeed: Sendable, Encodable {
  /// Wall time.
  package let seconds: Double
  /// By the direct method, a multiply-add counted as two.
  package let gigaflop: Double
  /// GFLOP a second of products of 2048×2048 matrices beside it, one on each thread.
  package let sgemm: Double

  /// GFLOP a second.
  package var speed: Double { gigaflop / seconds }
  /// ``speed`` as a part of ``sgemm``.
  package var shareOfSgemm: Double { speed / sgemm }

  private enum Key: String, CodingKey { case seconds, gigaflop, speed, sgemm, shareOfSgemm }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(seconds, forKey: .seconds)
    try container.encode(gigaflop, forKey: .gigaflop)
    try container.encode(speed, forKey: .speed)
    try container.encode(sgemm, forKey: .sgemm)
    try container.encode(shareOfSgemm, forKey: .shareOfSgemm)
  }
}
