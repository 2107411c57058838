# Serves an object that is called and calls back: see tests/src/mirror.rs.

require 'drb'

class Mirror
  include DRbUndumped

  def bounce(other, times)
    times.zero? ? 0 : other.bounce(self, times - 1) + 1
  end

  def endless(other)
    other.endless(self) + 1
  end

  def mirror
    self
  end
end

DRb.start_service('druby://127.0.0.1:0', Mirror.new)
$stdout.sync = true
puts "ready #{DRb.uri}"
DRb.thread.join
