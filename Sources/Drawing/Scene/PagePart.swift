/// A part of a figure that is drawn, from the top of an empty page down, and not yet placed.
package struct PagePart {
  package var nodes: [Scene.Node]
  package var height: Double

  /// Nothing, which takes no room.
  package static let empty = PagePart(nodes: [], height: 0)
}
