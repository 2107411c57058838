# An observer of observer_server: ruby observer_client.rb druby://localhost:9000
require 'drb'
require 'drb/unix'

class Display
  include DRbUndumped

  def update(degrees)
    puts "#{degrees} degrees"
  end
end

$stdout.sync = true
DRb.start_service('druby://localhost:0')
thermometer = DRbObject.new_with_uri(ARGV.fetch(0))
display = Display.new
thermometer.add_observer(display)
puts "observing as #{DRb.uri}"
begin
  sleep
rescue Interrupt
  thermometer.delete_observer(display)
end
