public import ArgumentParser
import AttentionTrace
public import TensorEngine

/// How exact a run is: what recorded maps are stored as, and what the factors of products are taken as.
enum Precision: String, CaseIterable, ExpressibleByArgument {
  /// Maps in float16; products in float32.
  case float16
  /// Both in float32.
  case float32
  /// Maps in float16; products of factors that are rounded to bfloat16.
  case bfloat16

  /// What recorded maps are stored as.
  var recorded: RecordingPlan.Precision { self == .float32 ? .float32 : .float16 }

  /// Makes the process's products take their factors so.
  func apply() { (self == .bfloat16 ? Engine.Precision.bfloat16 : .float32).apply() }
}

extension Engine.Precision {
  /// Makes the process's products take their factors so, and says where that makes them slower.
  func apply() {
    Engine.precision = self
    if self == .bfloat16, !Engine.hasBrainUnits {
      Message.note("this processor does not multiply bfloat16 by itself: float32 is faster")
    }
  }
}

extension Engine.Precision: ExpressibleByArgument {}
