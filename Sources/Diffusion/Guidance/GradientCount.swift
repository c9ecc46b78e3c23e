/// The number of gradients that were computed by the probes that share the count.
package final class GradientCount {
  package var count = 0
}
