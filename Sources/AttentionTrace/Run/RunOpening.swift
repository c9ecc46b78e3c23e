/// What a folder holds when a run is opened for writing in it.
public enum RunOpening {
  /// Nothing before.
  case fresh(RunWriter)
  /// The same run, interrupted: ``RunWriter/calls`` are those in its journal.
  case resumable(RunWriter)
  /// The same run, complete.
  case complete(RunManifest)
}
