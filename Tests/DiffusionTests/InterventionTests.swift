import AttentionTrace
import Diffusion
import TensorEngine
import TestSupport
import Testing

@Suite("Interventions")
struct InterventionTests {
  /// Keeps the maps of the prompt's branch.
  private final class Onlooker: AttentionObserver {
    private(set) var maps: [String: [Float]] = [:]

    func wants(_ site: AttentionSite, _ point: AttentionPoint, in pass: AttentionPass) -> Bool {
      point == .probabilities && site.kind == .cross
    }

    func observe(
      _ values: Span<Float>, at site: AttentionSite, _ point: AttentionPoint,
      in pass: AttentionPass
    ) {
      maps[site.path] = (0..<values.count).map { values[$0] }
    }
  }

  /// An intervention that is asked about, and never acts.
  private struct Bystander: AttentionIntervention {
    func acts(at site: AttentionSite, in pass: AttentionPass) -> Bool { false }
    func change(_ attention: inout LayerAttention) { attention.weigh(keys: []) }
  }

  private static let pass = AttentionPass(
    step: 0, timestep: 500, phase: .denoise, branches: [.unconditional, .conditional])

  /// One pass of both branches: the noise, and the cross-attention maps.
  private func run(
    _ intervention: (any AttentionIntervention)?, sites: [String] = []
  ) throws -> (noise: [Float], maps: [String: [Float]], offered: [String: Tensor]) {
    let model = try LoadedCheckpoint("tiny-sd1")
    let noise = model.noise(5, rows: 32, columns: 32)
    let onlooker = Onlooker()
    let tap = AttentionTap(
      pass: Self.pass, observers: [onlooker], intervention: intervention, sites: sites)
    let output = try model.unet(
      .concatenated([noise, noise], axis: 0), timestep: 500,
      text: .stacked(
        [model.embedding(""), model.embedding("a cat and a frog")]), tap: tap)
    return (output.values, onlooker.maps, tap.maps)
  }

  @Test("One that does not act changes no bit")
  func bystander() throws {
    let (plain, watched) = (try run(nil), try run(Bystander()))
    #expect(plain.noise == watched.noise && plain.maps == watched.maps)
  }

  @Test(
    "A dropped token has no map, in the prompt's branch alone, and recorders and objectives see it")
  func dropped() throws {
    let site = "down_blocks.1.attentions.0.transformer_blocks.0.attn2"
    let (plain, changed) = (
      try run(nil), try run(AttentionAblation(tokens: [5: 0]), sites: [site])
    )
    let half = plain.noise.count / 2
    #expect(plain.noise.prefix(half) == changed.noise.prefix(half))
    #expect(plain.noise.suffix(half) != changed.noise.suffix(half))
    for (path, map) in changed.maps {
      let rows = map.count / 77
      for row in 0..<rows {
        let isChanged = row >= rows / 2
        #expect((map[row * 77 + 5] == 0) == isChanged)
      }
      if path == site { #expect(changed.offered[site]?.values == map) }
    }
    // The first layer's other tokens are seen as they were: nothing takes the dropped one's place.
    let first = "down_blocks.0.attentions.0.transformer_blocks.0.attn2"
    let (before, after) = (try #require(plain.maps[first]), try #require(changed.maps[first]))
    #expect(before.indices.allSatisfy { $0 % 77 == 5 || before[$0] == after[$0] })
  }

  @Test("A damped head is multiplied, in the layers named, and no other head is touched")
  func damped() throws {
    let head = AttentionAblation.Head(layers: "down_blocks.0*", head: 2, factor: 0.25)
    let (plain, changed) = (try run(nil), try run(AttentionAblation(heads: [head])))
    let path = "down_blocks.0.attentions.0.transformer_blocks.0.attn2"
    let (before, after) = (try #require(plain.maps[path]), try #require(changed.maps[path]))
    let size = before.count / 8
    for part in 0..<8 {
      let range = part * size..<(part + 1) * size
      let factor: Float = part == 4 + 2 ? 0.25 : 1
      #expect(before[range].map { $0 * factor } == Array(after[range]))
    }
  }

  @Test("Interventions act one after the other")
  func sequence() throws {
    var factors = [Float](repeating: 1, count: 77)
    factors[5] = 2
    let reweighting = TokenReweighting(factors: factors)
    let both = try run(InterventionSequence([reweighting, reweighting, Bystander()]))
    factors[5] = 4
    #expect(both.noise == (try run(TokenReweighting(factors: factors))).noise)
  }

  @Test("A gradient through a changed map is that of finite differences")
  func gradient() throws {
    let model = try LoadedCheckpoint("tiny-sd1")
    let site = "down_blocks.1.attentions.0.transformer_blocks.0.attn2"
    let context = try model.embedding("a cat and a frog")
    let latent = model.noise(5, rows: 32, columns: 32)
    let intervention = AttentionAblation(
      tokens: [2: 0], heads: [.init(layers: "*", head: 1, factor: 0.5)])
    func probe(_ latent: Tensor) throws -> LossProbe {
      try LossProbe(at: latent) { variable in
        let tap = AttentionTap(
          pass: AttentionPass(step: 0, timestep: 500, phase: .loss, branches: [.conditional]),
          intervention: intervention, sites: [site], endsEarly: true)
        try model.unet.attend(variable, timestep: 500, text: context, tap: tap)
        let map = tap.maps[site] ?? .scalar(0)
        return ObjectiveValue(loss: (map * map).sum, scores: [])
      }
    }
    let gradient = try probe(latent).gradient()
    let slope = gradient.values.reduce(0.0) { $0 + Double($1 * $1) }.squareRoot()
    let direction = gradient.affine(scale: Float(1 / slope))
    func loss(_ step: Float) throws -> Double {
      let moved = latent + direction.affine(scale: step)
      return Double(try probe(moved).measurement.loss)
    }
    let measured = (try loss(1e-2) - loss(-1e-2)) / 2e-2
    #expect(abs(slope - measured) < 2e-2 * abs(slope), "\(slope), measured \(measured)")
  }
}
