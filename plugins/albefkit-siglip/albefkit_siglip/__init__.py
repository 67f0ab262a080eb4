"""SigLIP's sigmoid contrast and mean teacher's ramp for albefkit."""
