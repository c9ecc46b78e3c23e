/// How an ancestral step goes from one noise level to the next: down below it, and up by fresh noise.
///
/// - Reference: diffusers `scheduling_euler_ancestral_discrete.py`, `step`.
struct AncestralLevel {
  let down: Float
  let up: Float

  init(from: Float, to: Float) {
    up = (to * to * (from * from - to * to) / (from * from)).squareRoot()
    down = (to * to - up * up).squareRoot()
  }
}
