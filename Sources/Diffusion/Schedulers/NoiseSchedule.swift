private import Foundation
internal import TensorEngine

/// How much noise there is at each training time.
///
/// - Reference: Ho, Jain & Abbeel, Denoising Diffusion Probabilistic Models, NeurIPS 2020; diffusers
///   `schedulers/scheduling_ddim.py`.
package struct NoiseSchedule: Sendable, Equatable {
  /// ᾱ at each training time: the share of the clean sample's variance.
  package let cumulativeAlphas: [Float]
  /// Whether β follows a cosine, after which some schedulers do not round times.
  let isCosine: Bool

  package var trainingTimes: Int { cumulativeAlphas.count }

  /// - Parameter endsAtZero: whether ᾱ is rescaled so that nothing but noise is left at the last time.
  /// - Throws: `FileError` for a value of another type, ``DiffusionError`` for one Heed lacks.
  init(_ keys: SchedulerReader, endsAtZero: Bool) throws {
    let count = try keys.integer("num_train_timesteps", in: 1...(1 << 20)) ?? 1000
    var betas = try Self.betas(keys, count)
    if endsAtZero { betas = try Self.rescaled(betas, keys) }
    var alphas = Self.cumulative(betas)
    // 2⁻²⁴ is the least half-precision number: these take the logarithm of σ.
    if endsAtZero, ![SchedulerKind.ddim, .lcm, .tcd].contains(keys.kind) {
      alphas[count - 1] = 0x1p-24
    }
    cumulativeAlphas = alphas
    isCosine = try keys.oneOf("beta_schedule", Self.names(keys)) == "squaredcos_cap_v2"
  }

  private static func cumulative(_ betas: [Float]) -> [Float] {
    var product = 1.0
    return betas.map { beta in
      product *= Double(1 - beta)
      return Float(product)
    }
  }

  private static func names(_ keys: SchedulerReader) -> [String] {
    ["linear", "scaled_linear", "squaredcos_cap_v2"] + (keys.kind == .heun ? ["exp"] : [])
  }

  private static func betas(_ keys: SchedulerReader, _ count: Int) throws -> [Float] {
    if let trained = try keys.optional("trained_betas", { try trainedBetas(keys, $0, count) }) {
      return trained
    }
    switch try keys.oneOf("beta_schedule", names(keys)) {
    case "squaredcos_cap_v2":
      return betas(count) { time in
        let cosine = cos((time + 0.008) / 1.008 * .pi / 2)
        return cosine * cosine
      }
    case "exp": return betas(count) { exp($0 * -12) }
    case let name:
      let ends = try ["beta_start", "beta_end"].map { key in
        let beta = try keys.member(key).double()
        guard beta > 0, beta < 1 else {
          throw keys.member(key).failure("expected a number between 0 and 1, got \(beta)")
        }
        return beta
      }
      guard name == "scaled_linear" else {
        return linspace(Float(ends[0]), Float(ends[1]), count)
      }
      return linspace(Float(ends[0].squareRoot()), Float(ends[1].squareRoot()), count).map {
        $0 * $0
      }
    }
  }

  private static func trainedBetas(
    _ keys: SchedulerReader, _ key: String, _ count: Int
  ) throws -> [Float] {
    let node = keys.member(key)
    let betas = try node.elements().map { Float(try $0.double()) }
    guard betas.count == count, betas.allSatisfy({ $0 >= 0 && $0 < 1 }) else {
      throw node.failure(
        "expected \(count) numbers of 0 or more and below 1, as num_train_timesteps says, got "
          + "\(betas.count)")
    }
    return betas
  }

  /// β by a ᾱ over 0…1.
  ///
  /// - Reference: Nichol & Dhariwal, Improved Denoising Diffusion Probabilistic Models, ICML 2021,
  ///   equation 17; diffusers `betas_for_alpha_bar`.
  private static func betas(_ count: Int, _ alpha: (Double) -> Double) -> [Float] {
    (0..<count).map { time in
      let (from, to) = (Double(time) / Double(count), Double(time + 1) / Double(count))
      return Float(min(1 - alpha(to) / alpha(from), 0.999))
    }
  }

  /// β of which the last leaves no signal.
  ///
  /// - Reference: Lin et al., Common Diffusion Noise Schedules and Sample Steps are Flawed, WACV 2024,
  ///   algorithm 1.
  private static func rescaled(_ betas: [Float], _ keys: SchedulerReader) throws -> [Float] {
    var roots = cumulative(betas).map { $0.squareRoot() }
    guard let first = roots.first, let last = roots.last, first > last else {
      throw keys.unsupported("rescale_betas_zero_snr", "a schedule of more than one time with it")
    }
    roots = roots.map { ($0 - last) * (first / (first - last)) }
    let alphas = roots.map { $0 * $0 }
    return alphas.indices.map { 1 - ($0 == 0 ? alphas[0] : alphas[$0] / alphas[$0 - 1]) }
  }

  /// torch.linspace in float32: each half is counted from its own end.
  private static func linspace(_ start: Float, _ end: Float, _ count: Int) -> [Float] {
    guard count > 1 else { return [start] }
    let step = (end - start) / Float(count - 1)
    return (0..<count).map {
      $0 < count / 2 ? start + step * Float($0) : end - step * Float(count - 1 - $0)
    }
  }

  /// `√ᾱ x₀ + √(1−ᾱ) ε`: what the forward process makes of a clean sample by `time`.
  ///
  /// - Reference: Ho, Jain & Abbeel, Denoising Diffusion Probabilistic Models, NeurIPS 2020,
  ///   equation 4.
  func noised(_ clean: Tensor, _ noise: Tensor, at time: Int) -> Tensor {
    let alpha = cumulativeAlphas[min(max(time, 0), trainingTimes - 1)]
    return .combination(alpha.squareRoot(), clean, (1 - alpha).squareRoot(), noise)
  }
}
